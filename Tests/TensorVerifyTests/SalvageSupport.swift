import ByteIO
import Foundation
import TensorIO
import TensorVerify
import TestSupport
import Testing

/// The hash of every tensor by its name; those without bytes have none.
func hashes(of archive: TensorArchive) throws -> [String: String] {
  var hashes: [String: String] = [:]
  for entry in archive.entries
  where entry.tensor.hasElements && !entry.tensor.dtype.containsObjects {
    hashes[entry.name] =
      try "\(entry.tensor.dtype) \(entry.tensor.shape) "
      + entry.tensor.sha256(limits: DecodingLimits())
  }
  return hashes
}

/// Salvages bytes; nil when nothing of them can be used.
func salvage(_ bytes: [UInt8], in folder: TemporaryFolder, partial: Bool = false) throws -> Salvage?
{
  var options = Salvage.Options()
  options.keepsPartial = partial
  let path = try folder.write(bytes, "damaged")
  do throws(TensorIOError) {
    return try Salvage(contentsOf: path, options: options)
  } catch {
    #expect(error.code != .io, "\(error)")
    return nil
  }
}

/// Where the data of each member ends, by its name: the directory's account of a whole archive.
func ends(ofMembersIn path: String) throws -> [(name: String, headerEnd: Int, end: Int)] {
  let script = """
    import sys, zipfile, json, struct
    data = open(sys.argv[1], 'rb').read()
    out = []
    for i in zipfile.ZipFile(sys.argv[1]).infolist():
        n, e = struct.unpack('<HH', data[i.header_offset + 26:i.header_offset + 30])
        start = i.header_offset + 30 + n + e
        out.append([i.filename, i.header_offset + 30 + n, start + i.compress_size
                    + (16 if i.flag_bits & 8 else 0)])
    print(json.dumps(out))
    """
  let result = try run(Oracle.python ?? "/usr/bin/python3", ["-c", script, path])
  #expect(result.status == 0, "\(result.errors)")
  return try JSONValue(parsing: Data(result.output.utf8)).items.map { item in
    (
      try #require(item.items[0].text), try #require(item.items[1].integer),
      try #require(item.items[2].integer)
    )
  }
}
