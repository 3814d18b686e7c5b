//! `cairnd`: the node, its tools and the client commands.
use std::process::ExitCode;

/// State, trees and the database make and drop millions of small pieces a second: this takes a fifth of the CPU time off a block
/// against the C library's allocator, and stands in for that one in RocksDB too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cairn_app::cli::main(cairn_app::upgrades::all())
}
