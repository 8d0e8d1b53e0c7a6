/** The element type of a kernel. The compiler is run with `--use real=f32` and with `--use real=f64`; editors see this. */
declare type real = f64;

/** Whether kernels scale the gradient and add the coupled weight decay: `--use decay=f32` for yes, `--use decay=i32` for no. */
declare type decay = i32;

/** Whether they scale and clip it, average the parameters and clear it, likewise. */
declare type fused = i32;
