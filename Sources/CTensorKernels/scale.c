#include "CTensorKernels.h"

// Both operations round: the results are NumPy's on every processor.
#pragma STDC FP_CONTRACT OFF

void tio_scale_float(void *numbers, size_t count, float factor, float offset) {
  float *number = numbers;
  for (size_t i = 0; i < count; i++) number[i] = number[i] * factor + offset;
}

void tio_scale_double(void *numbers, size_t count, double factor, double offset) {
  double *number = numbers;
  for (size_t i = 0; i < count; i++) number[i] = number[i] * factor + offset;
}
