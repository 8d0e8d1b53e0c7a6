/** Row `row` of window = g, which has n elements. */
export function grokfastRemember(n: usize, row: usize, g: usize, window: usize): void {
  memory.copy(window + row * n * sizeof<real>(), g, n * sizeof<real>());
}
