//! `cairnd`: the node, its tools and the client commands.
fn main() {}
