// Steps one of the loops over n elements and reports. Called by ../native.ts:
//   native                                   prints the names of the loops
//   native time <loop> <n> <ms> lr=0.1 …     times steps for so many milliseconds, prints ns per element: "median minimum"
//   native bits <loop> <n> <steps> lr=0.1 …  writes p and the state after so many steps, as raw bytes
#define _POSIX_C_SOURCE 200809L
#include "kernels.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLOTS = 3, SCALARS = 8, STAGGER = 4352, SAMPLES = 1 << 16 };

static double lr, momentumFactor, dampening, lrDecay, beta, beta1, beta2, rho, alpha, eps, epsRoot, weightDecay;

static const struct {
  const char *name;
  double *value;
} options[] = {
    {"lr", &lr},       {"momentum", &momentumFactor}, {"dampening", &dampening}, {"lrDecay", &lrDecay},
    {"beta", &beta},   {"beta1", &beta1},             {"beta2", &beta2},         {"rho", &rho},
    {"alpha", &alpha}, {"eps", &eps},                 {"epsRoot", &epsRoot},     {"weightDecay", &weightDecay},
};

typedef void Scalars(double *s, unsigned t);
static Scalars sgdScalars, momentumScalars, adagradScalars, adadeltaScalars, rmspropScalars, adamScalars, adamwScalars,
    adamaxScalars;

static const struct Rule {
  const char *name;
  int slots;
  Scalars *scalars;
  Kernel *plain, *decaying;
} rules[] = {
    {"sgd", 0, sgdScalars, sgd, sgdDecay},
    {"sgdMomentum", 1, sgdScalars, sgdMomentum, sgdMomentumDecay},
    {"sgdNesterov", 1, sgdScalars, sgdNesterov, sgdNesterovDecay},
    {"momentum", 1, momentumScalars, momentum, momentumDecay},
    {"adagrad", 1, adagradScalars, adagrad, adagradDecay},
    {"adadelta", 2, adadeltaScalars, adadelta, adadeltaDecay},
    {"rmsprop", 1, rmspropScalars, rmsprop, rmspropDecay},
    {"rmspropMomentum", 2, rmspropScalars, rmspropMomentum, rmspropMomentumDecay},
    {"rmspropCentered", 2, rmspropScalars, rmspropCentered, rmspropCenteredDecay},
    {"adam", 2, adamScalars, adam, adamDecay},
    {"adamAmsgrad", 3, adamScalars, adamAmsgrad, adamAmsgradDecay},
    {"adamw", 2, adamwScalars, adam, adam},
    {"adamax", 2, adamaxScalars, adamax, adamaxDecay},
};

static const struct Rule *rule;
static size_t n;
static real *p, *g, *state[SLOTS];
static unsigned steps;

static void setUp(char **arguments, int count);
static void step(void);
static void report(double milliseconds);

int main(int argc, char **argv) {
  const size_t known = sizeof rules / sizeof *rules;
  if (argc == 1) {
    for (size_t i = 0; i < known; i++) puts(rules[i].name);
    return 0;
  }
  if (argc < 5) return 2;
  for (size_t i = 0; i < known; i++) {
    if (strcmp(rules[i].name, argv[2]) == 0) rule = &rules[i];
  }
  n = strtoul(argv[3], NULL, 10);
  if (rule == NULL || n == 0) return 2;
  setUp(argv + 5, argc - 5);
  if (strcmp(argv[1], "time") == 0) {
    report(strtod(argv[4], NULL));
    return 0;
  }
  for (unsigned long left = strtoul(argv[4], NULL, 10); left > 0; left--) step();
  fwrite(p, sizeof(real), n, stdout);
  for (int i = 0; i < rule->slots; i++) fwrite(state[i], sizeof(real), n, stdout);
  return 0;
}

// The same numbers as ../data.ts, in the library's layout: one piece of memory, each buffer's start shifted.
static uint32_t seed = 1;

static double random24(void) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) / 16777216.0;
}

static void setUp(char **arguments, int count) {
  for (int i = 0; i < count; i++) {
    char *equals = strchr(arguments[i], '=');
    *equals = '\0';
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
      if (strcmp(options[k].name, arguments[i]) == 0) *options[k].value = strtod(equals + 1, NULL);
    }
  }
  const size_t stride = (n * sizeof(real) + 15) / 16 * 16 + STAGGER;
  char *memory = aligned_alloc(65536, (stride * (2 + SLOTS) / 65536 + 1) * 65536);
  if (memory == NULL) exit(3);
  memset(memory, 0, stride * (2 + rule->slots));
  p = (real *)memory;
  g = (real *)(memory + stride);
  for (int i = 0; i < SLOTS; i++) state[i] = (real *)(memory + stride * (2 + i));
  for (size_t i = 0; i < n; i++) p[i] = random24() - 0.5;
  for (size_t i = 0; i < n; i++) {
    const double x = random24() - 0.5;
    g[i] = x < 0 ? x - 0.125 : x + 0.125;
  }
}

static void step(void) {
  double s[SCALARS] = {0};
  real h[SCALARS];
  rule->scalars(s, ++steps);
  for (int i = 0; i < SCALARS; i++) h[i] = s[i];
  Kernel *kernel = weightDecay == 0 ? rule->plain : rule->decaying;
  kernel(n, p, g, state[0], state[1], state[2], h, weightDecay);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// The first tenth of the time (at least one sample) warms up.
static void report(double milliseconds) {
  static double samples[SAMPLES];
  const unsigned batch = n < 16384 ? (unsigned)(16384 / n) : 1;
  const double begin = now();
  int warm = 0, count = 0;
  while (count < SAMPLES && (count < 3 || now() - begin < 1.1e6 * milliseconds)) {
    const double start = now();
    for (unsigned i = 0; i < batch; i++) step();
    samples[count] = (now() - start) / batch / n;
    if (warm) count++;
    else warm = now() - begin >= 1e5 * milliseconds;
  }
  qsort(samples, count, sizeof *samples, ascending);
  printf("%.6g %.6g\n", (samples[(count - 1) / 2] + samples[count / 2]) / 2, samples[0]);
}

// The scalars of step t = 1, 2, … as the rules under src/optimizers compute them.
static double power(double base, unsigned exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base) {
    if (exponent % 2 == 1) result *= base;
  }
  return result;
}

static void sgdScalars(double *s, unsigned t) {
  s[0] = lr;
  s[1] = momentumFactor;
  s[2] = t == 1 ? 1 : 1 - dampening;
}

static void momentumScalars(double *s, unsigned t) {
  s[0] = lr / (1 - power(beta, t));
  s[1] = 1 - beta;
}

static void adagradScalars(double *s, unsigned t) {
  s[0] = lr / (1 + (t - 1) * lrDecay);
  s[1] = epsRoot;
  s[2] = eps;
}

static void adadeltaScalars(double *s, unsigned t) {
  (void)t;
  s[0] = lr;
  s[1] = rho;
  s[2] = 1 - rho;
  s[3] = eps;
}

static void rmspropScalars(double *s, unsigned t) {
  (void)t;
  s[0] = lr;
  s[1] = alpha;
  s[2] = 1 - alpha;
  s[3] = epsRoot;
  s[4] = eps;
  s[5] = momentumFactor;
}

static void adamScalars(double *s, unsigned t) {
  const double c1 = 1 - power(beta1, t), c2 = 1 - power(beta2, t), root = sqrt(c2);
  s[0] = 1;
  s[1] = lr / c1 * root;
  s[2] = 1 - beta1;
  s[3] = beta2;
  s[4] = 1 - beta2;
  s[5] = epsRoot * c2;
  s[6] = eps * root;
}

static void adamwScalars(double *s, unsigned t) {
  adamScalars(s, t);
  s[0] = 1 - lr * weightDecay;
}

static void adamaxScalars(double *s, unsigned t) {
  s[0] = lr / (1 - power(beta1, t));
  s[1] = 1 - beta1;
  s[2] = beta2;
  s[3] = eps;
}
