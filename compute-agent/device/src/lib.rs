//! Programs of integers on wgpu and CPU devices, bit for bit as the referee computes them.
