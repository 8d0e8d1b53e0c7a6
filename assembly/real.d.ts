/** The element type of a kernel. The compiler is run twice, with `--use real=f32` and `--use real=f64`; editors see this. */
declare type real = f64;
