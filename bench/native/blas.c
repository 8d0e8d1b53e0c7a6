// Times OpenBLAS's product of square matrices on one thread. Called by ../products.ts:
//   blas <side> <ms>   multiplies for so many milliseconds, prints the median ns per operation
// It ends with 1 where there is no OpenBLAS.
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROW_MAJOR = 101, AS_IT_IS = 111, SAMPLES = 1 << 16 };

typedef void Product(int order, int transA, int transB, int m, int n, int k, float alpha, const float *a, int strideA,
                     const float *b, int strideB, float beta, float *out, int strideOut);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int rising(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  void *library = dlopen("libopenblas.so.0", RTLD_NOW);
  Product *product = library ? (Product *)dlsym(library, "cblas_sgemm") : NULL;
  if (!product || count < 3) return 1;
  int side = atoi(arguments[1]);
  size_t size = (size_t)side * side;
  float *a = malloc(size * sizeof *a), *b = malloc(size * sizeof *b), *out = malloc(size * sizeof *out);
  for (size_t i = 0; i < size; i++) {
    a[i] = i % 7 - 3;
    b[i] = i % 5 - 2;
  }
  static double times[SAMPLES];
  double end = now() + atof(arguments[2]) * 1e6;
  int samples = 0;
  while (samples < 3 || (samples < SAMPLES && now() < end)) {
    double start = now();
    product(ROW_MAJOR, AS_IT_IS, AS_IT_IS, side, side, side, 1, a, side, b, side, 0, out, side);
    times[samples++] = now() - start;
  }
  qsort(times, samples, sizeof *times, rising);
  printf("%.9g\n", times[samples / 2] / (2.0 * side * side * side));
  return 0;
}
