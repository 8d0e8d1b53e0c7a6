// The update loops, one element at a time, in the order of operations of the library's kernels.
// kernels.c includes this file twice: LOOP(name) names the function, GRADIENT is the gradient that the rule sees.
// a, b and c are the rule's state, h the scalars of the step.

LOOP(sgd) {
  const real lr = h[0];
  for (size_t i = 0; i < n; i++) p[i] = p[i] - lr * GRADIENT;
}

LOOP(sgdMomentum) {
  const real lr = h[0], mu = h[1], mix = h[2];
  for (size_t i = 0; i < n; i++) {
    const real buf = mu * a[i] + mix * GRADIENT;
    a[i] = buf;
    p[i] = p[i] - lr * buf;
  }
}

LOOP(sgdNesterov) {
  const real lr = h[0], mu = h[1];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, buf = mu * a[i] + gi;
    a[i] = buf;
    p[i] = p[i] - lr * (gi + mu * buf);
  }
}

LOOP(momentum) {
  const real step = h[0], w = h[1];
  for (size_t i = 0; i < n; i++) {
    const real m = a[i] + w * (GRADIENT - a[i]);
    a[i] = m;
    p[i] = p[i] - step * m;
  }
}

LOOP(adagrad) {
  const real lr = h[0], root = h[1], eps = h[2];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, s = a[i] + gi * gi;
    a[i] = s;
    p[i] = p[i] - lr * gi / (sqrt(s + root) + eps);
  }
}

LOOP(adadelta) {
  const real lr = h[0], rho = h[1], w = h[2], eps = h[3];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, d = b[i], s = rho * a[i] + w * gi * gi;
    const real delta = sqrt(d + eps) / sqrt(s + eps) * gi;
    a[i] = s;
    b[i] = rho * d + w * delta * delta;
    p[i] = p[i] - lr * delta;
  }
}

LOOP(rmsprop) {
  const real lr = h[0], alpha = h[1], w = h[2], root = h[3], eps = h[4];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, v = alpha * a[i] + w * gi * gi;
    a[i] = v;
    p[i] = p[i] - lr * gi / (sqrt(v + root) + eps);
  }
}

LOOP(rmspropMomentum) {
  const real lr = h[0], alpha = h[1], w = h[2], root = h[3], eps = h[4], mu = h[5];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, v = alpha * a[i] + w * gi * gi;
    const real buf = mu * b[i] + gi / (sqrt(v + root) + eps);
    a[i] = v;
    b[i] = buf;
    p[i] = p[i] - lr * buf;
  }
}

LOOP(rmspropCentered) {
  const real lr = h[0], alpha = h[1], w = h[2], root = h[3], eps = h[4];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, v = alpha * a[i] + w * gi * gi, mg = b[i] + w * (gi - b[i]);
    a[i] = v;
    b[i] = mg;
    p[i] = p[i] - lr * gi / (sqrt(v - mg * mg + root) + eps);
  }
}

LOOP(adam) {
  const real keep = h[0], step = h[1], w1 = h[2], b2 = h[3], w2 = h[4], root = h[5], eps = h[6];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, m = a[i] + w1 * (gi - a[i]), v = b2 * b[i] + w2 * gi * gi;
    a[i] = m;
    b[i] = v;
    p[i] = keep * p[i] - step * m / (sqrt(v + root) + eps);
  }
}

LOOP(adamAmsgrad) {
  const real keep = h[0], step = h[1], w1 = h[2], b2 = h[3], w2 = h[4], root = h[5], eps = h[6];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, m = a[i] + w1 * (gi - a[i]), v = b2 * b[i] + w2 * gi * gi;
    const real top = v < c[i] ? c[i] : v;
    a[i] = m;
    b[i] = v;
    c[i] = top;
    p[i] = keep * p[i] - step * m / (sqrt(top + root) + eps);
  }
}

LOOP(adamax) {
  const real step = h[0], w1 = h[1], b2 = h[2], eps = h[3];
  for (size_t i = 0; i < n; i++) {
    const real gi = GRADIENT, m = a[i] + w1 * (gi - a[i]), size = fabs(gi) + eps, old = b2 * b[i];
    const real u = size < old ? old : size;
    a[i] = m;
    b[i] = u;
    p[i] = p[i] - step * m / u;
  }
}
