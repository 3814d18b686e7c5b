//! `cairnd`: the node, its tools and the client commands.
use std::process::ExitCode;

/// State, trees and the database make and drop millions of small pieces a second: this takes a fifth of the CPU time off a block
/// against the C library's allocator, and stands in for that one in RocksDB too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cairn_app::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", line(error.chain().map(ToString::to_string)));
            ExitCode::from(cairn_app::Exit::of(&error).code())
        }
    }
}

/// An error and its causes in one line. Some errors tell their cause themselves; it is not told again.
fn line(chain: impl Iterator<Item = String>) -> String {
    chain.reduce(|told, cause| if told.ends_with(&cause) { told } else { format!("{told}: {cause}") }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cause_is_told_once() {
        let line = |chain: &[&str]| super::line(chain.iter().map(ToString::to_string));
        assert_eq!(line(&["cannot read a: no such file", "no such file"]), "cannot read a: no such file");
        assert_eq!(line(&["cannot post", "cannot read a", "no such file"]), "cannot post: cannot read a: no such file");
    }
}
