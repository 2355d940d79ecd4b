// What a user of the library imports: the tensor model, the errors and limits below it, devices, and
// the formats through the registry.

@_exported public import ByteIO
@_exported public import TensorDevice
@_exported public import TensorModel
