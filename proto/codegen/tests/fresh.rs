//! What is checked in is what the generator makes.

use cairn_codegen::{generate, proto_dir};

#[test]
fn generated_is_fresh() {
    let files = generate(&proto_dir()).unwrap();
    let stale = files.differences(&proto_dir().join("src/gen")).unwrap();
    assert!(stale.is_empty(), "run `cargo run -p cairn-codegen` and commit: {stale:?}");
}

#[test]
fn a_folder_is_made_equal_and_nothing_else_stays() {
    let files = generate(&proto_dir()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cairn.gone.v1.rs"), "left over").unwrap();
    std::fs::write(dir.path().join("mod.rs"), "out of date").unwrap();
    assert_eq!(files.differences(dir.path()).unwrap().len(), files.len() + 1);
    files.write(dir.path()).unwrap();
    assert_eq!(files.differences(dir.path()).unwrap(), Vec::<String>::new());
}
