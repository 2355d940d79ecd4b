extension TensorArchive.Entry {
  /// What files of arrays do not say of a tensor: device, gradients, conjugation, and layouts.
  /// - Parameter keepsColumnMajor: whether column-major arrays stay such.
  package func tagLosses(keepsColumnMajor: Bool) -> [Loss] {
    var losses: [Loss] = []
    if tensor.device != .cpu {
      losses.append(Loss(.device, of: name, "the device tag \(tensor.device)"))
    }
    if tensor.requiresGrad {
      losses.append(Loss(.requiresGrad, of: name, "that gradients are wanted"))
    }
    if !tensor.isContiguous, !(keepsColumnMajor && tensor.isFortranContiguous) {
      losses.append(Loss(.strides, of: name, "the strides \(tensor.strides); written row-major"))
    }
    if tensor.isConjugated || tensor.isNegated {
      losses.append(
        Loss(
          .metadata, of: name,
          "that its elements become conjugates or negatives when they are read; written as they are "
            + "read"))
    }
    return losses
  }
}
