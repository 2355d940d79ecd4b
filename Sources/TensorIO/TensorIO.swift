// What a user of the library imports: the tensor model, the errors and limits below it, devices, and
// the formats through the registry.

@_exported public import ByteIO
@_exported public import TensorDevice
@_exported public import TensorModel

// What writes to NumPy's files piece by piece; the formats themselves are found by content and name.
@_exported public import class NumPyFormat.NPYWriter
@_exported public import class NumPyFormat.NPZEditor
