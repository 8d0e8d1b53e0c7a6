// What main.c and kernels.c share. `real` is float or double, given with -Dreal=….
#include <stddef.h>

#define BUFFERS                                                                                              \
  size_t n, real *restrict p, const real *restrict g, real *restrict a, real *restrict b, real *restrict c, \
      const real *restrict h, real decay

typedef void Kernel(BUFFERS);

// Each loop twice: as it stands, and with coupled weight decay.
#define DECLARE(name) Kernel name, name##Decay
DECLARE(sgd);
DECLARE(sgdMomentum);
DECLARE(sgdNesterov);
DECLARE(momentum);
DECLARE(adagrad);
DECLARE(adadelta);
DECLARE(rmsprop);
DECLARE(rmspropMomentum);
DECLARE(rmspropCentered);
DECLARE(adam);
DECLARE(adamAmsgrad);
DECLARE(adamax);
