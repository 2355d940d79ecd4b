#include "CDLPack.h"

#include <stddef.h>

// What other libraries were compiled with, on 64-bit machines.
_Static_assert(sizeof(tio_dl_tensor) == 48, "DLTensor");
_Static_assert(offsetof(tio_dl_tensor, shape) == 24, "DLTensor.shape");
_Static_assert(offsetof(tio_dl_tensor, byte_offset) == 40, "DLTensor.byte_offset");
_Static_assert(offsetof(tio_dl_managed, deleter) == 16, "DLManagedTensorVersioned.deleter");
_Static_assert(offsetof(tio_dl_managed, tensor) == 32, "DLManagedTensorVersioned.dl_tensor");
_Static_assert(sizeof(tio_dl_managed) == 80, "DLManagedTensorVersioned");
