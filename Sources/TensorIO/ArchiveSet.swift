/// Archives that are written together: all files appear, or none.
package struct ArchiveSet {
  /// The archives with their paths.
  package let parts: [(archive: TensorArchive, path: String)]

  package init(_ parts: [(archive: TensorArchive, path: String)]) { self.parts = parts }

  /// Writes all files, each in the format that its ending names, and then names them.
  ///
  /// Until the last is whole, none has its name.
  /// - Throws: `invalidArgument` for several tensors in a format of one, and what writing throws;
  ///   nothing is left behind, and a file that would have been replaced is still there, unless the
  ///   very naming failed.
  package func write(options: WritingOptions) throws(TensorIOError) {
    var files: [AtomicFile] = []
    for (archive, path) in parts {
      let format = try FormatRegistry.format(forWriting: path)
      try locating(.init(file: path)) { () throws(TensorIOError) in
        let descriptor = format.descriptor
        // An npy file of several arrays may be written as one again.
        guard descriptor.holdsMany || archive.entries.count == 1 || archive.format == descriptor.id
        else {
          throw .invalidArgument(
            "\(archive.entries.count) tensors do not go into one \(descriptor.id) file; end the "
              + "output in .npz, or choose one tensor with --include")
        }
        let file = try AtomicFile(path: path)
        try format.write(archive, to: file, options: options)
        files.append(file)
      }
    }
    for (index, file) in files.enumerated() {
      do throws(TensorIOError) {
        try file.commit(synced: options.synced)
      } catch {
        for earlier in files[..<index] { earlier.withdraw() }
        throw error
      }
    }
  }
}
