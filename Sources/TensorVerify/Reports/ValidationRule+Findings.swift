public import ByteIO

extension Finding.Code {
  /// What the code means.
  public var rule: ValidationRule {
    switch self {
    case .backwardHooks:
      rule(
        .warning, "A tensor comes with backward hooks, which are code and are left out.",
        "Save a state_dict(), or remove the hooks before saving.")
    case .brokenTies:
      rule(
        .warning,
        "The record of tensors that shared a storage does not fit the file, which was changed since.",
        "Write the file again with tensorio convert, from the file that it was made of.")
    case .oddHeader:
      rule(
        .warning, "The header is not spelt as the format wants it, which some readers refuse.",
        "Write the file again with tensorio convert.")
    case .dangerousBytes:
      rule(
        .error, "Bytes that are no PyTorch stream go to a function that runs what they hold.",
        "Do not load the file with Python; fetch it from a source that you trust.")
    case .dangerousGlobal:
      rule(
        .error, "A pickle names a class or function that does harm when Python loads the file.",
        "Do not load the file with Python; tensorio convert takes the tensors out of it.")
    case .duplicateKey:
      rule(
        .warning, "A dictionary or a header gives one key twice; the last value counts.",
        "Save the data again from the program that made it.")
    case .duplicateMember:
      rule(
        .warning, "Two members of an archive have one name, and readers differ on which counts.",
        "Look at both, then write the archive again with tensorio convert.")
    case .lateProtocol:
      rule(
        .note, "The opcode PROTO is not the first of a pickle.",
        "Save the data again; ordinary writers do not do this.")
    case .leftoverStack:
      rule(
        .warning, "A pickle ends with more than one object on its stack; only the last is read.",
        "Find out what wrote the file; ordinary writers do not do this.")
    case .nestedPickle:
      rule(
        .warning, "A string in a pickle holds a pickle of its own.",
        "See with tensorio scan what the inner pickle names before anything loads it.")
    case .noChecksums:
      rule(
        .note, "Every CRC-32 of the archive is 0, so damage to the data would not be noticed.",
        "Write it again with tensorio convert, or keep the hashes of its tensors.")
    case .notAnArray:
      rule(
        .warning, "A member of an npz is no NumPy array and is kept as bytes.",
        "Keep other data beside the archive, not in it.")
    case .oddName:
      rule(
        .warning,
        "A name is empty, is also that of a folder, or could hide, move or reorder "
          + "text.",
        "Rename the tensor with tensorio convert --rename.")
    case .pickledWeight:
      rule(
        .warning, "A weight of an exported program is a pickled tensor and kept as bytes.",
        "Export the program again with plain tensors as weights.")
    case .python2Header:
      rule(
        .note, "The header of an array has Python 2's L after integers.",
        "Save the array again with a current NumPy.")
    case .secondPickle:
      rule(
        .warning, "Another pickle follows the first, which most readers never look at.",
        "See with tensorio scan what it names, and find out what wrote the file.")
    case .severalArrays:
      rule(
        .warning, "An .npy file holds several arrays; np.load reads only the first.",
        "Put the arrays into an .npz.")
    case .shapeMismatch:
      rule(
        .warning,
        "Header and pickle of an array of objects differ on its shape; the pickle "
          + "counts.",
        "Save the array again from the program that made it.")
    case .strayMember:
      rule(
        .warning,
        "A member of a PyTorch archive lies outside its folder; PyTorch refuses the "
          + "file.",
        "Write the file again with tensorio convert or torch.save.")
    case .trailingBytes:
      rule(
        .warning, "Bytes follow the end of the data, and no reader looks at them.",
        "See what they are, then write the file again with tensorio convert.")
    case .wrongExtension:
      rule(
        .note, "The ending of the file's name belongs to another format than its content.",
        "Rename the file.")
    case .zipHeaderMismatch:
      rule(
        .warning,
        "A zip archive's local header and directory disagree, and readers differ on "
          + "which counts.",
        "Write the archive again with tensorio convert.")
    case .zipUnaccountedBytes:
      rule(
        .warning, "Bytes of a zip archive belong to no member.",
        "See what they are, then write the archive again with tensorio convert.")
    case .oddStorageKey:
      rule(
        .warning, "The key of a storage in a PyTorch archive is a number, not a text.",
        "Save the file again with torch.save or tensorio convert.")
    case .sparseMemo:
      rule(
        .warning,
        "A pickle numbers its memo so far apart that Python takes memory for what lies between.",
        "Find out what wrote the file; ordinary writers do not do this.")
    case .collidingKeys:
      rule(
        .warning,
        "Keys of a dictionary are chosen so that Python takes quadratic time to read them.",
        "Do not load the file with Python; find out what wrote it.")
    case .unlistedTensor:
      rule(
        .warning, "A shard has tensors that the index does not name, and no reader looks at them.",
        "Write the checkpoint again with tensorio convert --shard-size, or mend its index.")
    case .wrongTotalSize:
      rule(
        .note, "The index says another total_size than the tensors have bytes.",
        "Write the checkpoint again with tensorio convert --shard-size, or mend its index.")
    case .cyclicValue:
      rule(
        .warning, "A container holds itself, which no walk over the values comes to an end of.",
        "Save a plain state_dict().")
    case .containsCode:
      rule(
        .warning,
        "The archive holds a program, which torch.jit.load runs and nothing here looks at.",
        "Take its tensors out with tensorio convert, or trust its source.")
    case .expandedTensor:
      rule(
        .warning, "A few stored bytes stand for a tensor too large to be written out.",
        "Keep it as it is; copying it takes the memory that the message names.")
    case .lookalikeNames:
      rule(
        .warning, "Two names are written alike and differ in their bytes: composed or not.",
        "Rename one with tensorio convert --rename.")
    case .noTensors:
      rule(
        .warning, "The file holds values, and none is a tensor.",
        "See with tensorio ls --tree what is in it.")
    case .persistentID:
      rule(
        .warning, "A plain pickle refers to objects outside it, and pickle.load stops there.",
        "Save with torch.save, which keeps the storages with the pickle.")
    case .pythonObjects:
      rule(
        .warning,
        "An array holds Python objects, which np.load refuses unless allow_pickle is given.",
        "Save numbers or text in an array of their own dtype.")
    case .unknownGlobal:
      rule(
        .warning, "A pickle names a class or function that Python has to trust to load the file.",
        "Allow it with --allow-global or a policy if you know it; else convert the tensors alone.")
    case .forbiddenTensor:
      rule(
        .error, "A tensor is there that the policy forbids.",
        "Leave it out with tensorio convert --exclude.")
    case .missingTensor:
      rule(
        .error, "A tensor that was asked for is not there.",
        "Look with tensorio ls whether it has another name.")
    case .notFinite:
      rule(
        .error, "Some numbers are NaN, infinite or NaT.",
        "See with tensorio stats which tensors have them, and save the data again.")
    case .outOfRange:
      rule(
        .error, "Some numbers lie outside of the range that was asked for.",
        "See with tensorio stats what the range is, and save the data again.")
    case .tooLarge:
      rule(
        .error, "The file is larger than the policy allows.",
        "Raise max_file_bytes, or leave something out.")
    case .uncheckedValues:
      rule(
        .warning,
        "Numbers were asked about that are not looked at: fields of records, text, small floats.",
        "Ask about tensors of plain numbers only, with --range or rules by name.")
    case .unexpectedTensor:
      rule(
        .error, "A tensor is there that no rule of the policy is about.",
        "Add a rule, allow_other_tensors, or leave it out with tensorio convert --exclude.")
    case .wrongCount:
      rule(
        .error, "The file has fewer or more tensors than the policy allows.",
        "Compare tensorio ls with the policy.")
    case .wrongDType:
      rule(
        .error, "A tensor has another dtype than the policy allows.",
        "Convert it with tensorio convert --dtype.")
    case .wrongFormat:
      rule(
        .error, "The file has another format than the policy allows.",
        "Write it again with tensorio convert.")
    case .wrongShape:
      rule(
        .error, "A tensor has another shape than the policy allows.",
        "Compare tensorio ls with the policy.")
    case .manifestMismatch:
      rule(
        .error, "The file is not the one that its manifest describes.",
        "Fetch or convert the file again.")
    }
  }

  private func rule(
    _ level: ValidationRule.Level, _ meaning: String, _ mend: String
  ) -> ValidationRule {
    ValidationRule(rawValue, level, meaning, mend)
  }
}
