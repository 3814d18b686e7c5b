//! Tests of what the kernel promises its modules.
