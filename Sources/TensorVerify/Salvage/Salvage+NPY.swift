internal import ByteIO
internal import NumPyFormat
internal import TensorIO

extension Salvage {
  /// Salvages an npy file: the arrays that are whole, and the beginning of the one that is cut.
  init(npy opened: OpenedFile, _ options: Options) throws(TensorIOError) {
    let file = opened.file
    let whole: TensorArchive
    do throws(TensorIOError) {
      whole = try NPYFormat.read(opened)
    } catch {
      guard error.code == .malformed else { throw error }
      // The first array, which is all there is.
      guard
        let rows = try? NPYLeadingRows(
          FileSlice(file, 0..<file.byteCount), options: options.reading)
      else { throw error }
      guard options.keepsPartial else { throw error.adding(Self.hint(rows)) }
      self.init(try TensorArchive(rows.tensor))
      partial = [Partial(rows, name: "")]
      return
    }
    self.init(whole)
    kept = whole.names
    if let end = whole.findings.first(where: { $0.code == .trailingBytes })?.offset {
      try addRest(try FileSlice(file, end..<file.byteCount), options)
    }
  }

  /// What follows the whole arrays: one that is cut, or something else.
  private mutating func addRest(_ rest: FileSlice, _ options: Options) throws(TensorIOError) {
    let (whole, end) = (archive, rest.range.lowerBound)
    do throws(TensorIOError) {
      let rows = try NPYLeadingRows(rest, options: options.reading)
      let name = "\(whole.entries.count)"
      guard options.keepsPartial else {
        return lose(name, at: end, "the file ends in it; " + Self.hint(rows))
      }
      var values = whole.values
      let ids = whole.entries.map(\.id) + [values.add(.tensor(rows.tensor))]
      values.setRoot(values.add(.list(ids)))
      archive = try whole.replacing(values)
      kept = archive.names.dropLast()
      partial = [Partial(rows, name: name)]
    } catch {
      lose(nil, at: end, "\(rest.byteCount) bytes follow that are no array: \(error.reason)")
    }
  }

  private mutating func lose(_ name: String?, at offset: Int, _ reason: String) {
    lost.append(Lost(name: name, member: nil, offset: offset, reason: reason))
  }

  /// What `--partial` would do.
  static func hint(_ rows: NPYLeadingRows) -> String {
    "--partial keeps the leading \(rows.kept) of \(rows.length) along axis \(rows.axis)"
  }
}

extension Salvage.Partial {
  init(_ rows: NPYLeadingRows, name: String) {
    self.init(name: name, axis: rows.axis, kept: rows.kept, length: rows.length)
  }
}

extension TensorIOError {
  /// The same error with a further sentence.
  fileprivate func adding(_ sentence: String) -> TensorIOError {
    TensorIOError(code, "\(reason); \(sentence)", at: place)
  }
}
