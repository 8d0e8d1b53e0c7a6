// The loops that the library's kernels are held against, in a file of their own so that nothing is inlined into the timing.
#include "kernels.h"

#include <tgmath.h>

#define LOOP(name) void name(BUFFERS)
#define GRADIENT g[i]
#include "loops.h"

#undef LOOP
#undef GRADIENT
#define LOOP(name) void name##Decay(BUFFERS)
#define GRADIENT (g[i] + decay * p[i])
#include "loops.h"
