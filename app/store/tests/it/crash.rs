//! Crashes. The child is this test binary again; it runs a chain whose blocks follow from their height alone, and says what it committed.
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use cairn_kernel::Writes;
use cairn_store::{Options, Pruning, StateStore, Version};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::TempDir;

const FOLDER: &str = "CAIRN_STORE_CRASH_FOLDER";
const ABORT: &str = "CAIRN_STORE_CRASH_AT";

/// Few heights are kept, so that pruning runs along.
fn options(sync: bool, write_buffer: usize) -> Options {
    Options { pruning: Pruning::Custom { keep_recent: 5, interval: 1 }, sync, write_buffer, ..Options::default() }
}

/// For what happens after the crash, where only the outcome counts.
fn open(folder: &Path) -> StateStore {
    StateStore::open(folder, options(false, 4 << 20)).unwrap()
}

/// The writes of a height; of genesis at 0.
fn block(height: u64) -> Writes {
    let mut random = StdRng::seed_from_u64(height);
    let mut writes = Writes::new();
    for _ in 0..random.gen_range(0..60) {
        let key = format!("{}/{}", ["auth", "bank", "annotation"][random.gen_range(0..3)], random.gen_range(0..200));
        let value = random.gen_bool(0.8).then(|| vec![random.r#gen(); random.gen_range(0..400)]);
        writes.insert(key.into_bytes(), value);
    }
    writes
}

/// Genesis where it is missing, then the next block.
fn step(store: &StateStore) -> Version {
    let Some(base) = store.base() else { return store.reset_genesis("crash-1", 1, block(0)).unwrap() };
    let height = base.height + 1;
    store.commit(store.stage(height, block(height)).unwrap()).unwrap()
}

/// What an undisturbed chain has, by height.
fn undisturbed(heights: u64) -> Vec<Version> {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    (0..=heights).map(|_| step(&store)).collect()
}

/// Runs in the child: commits until it is killed, or aborts where the parent said.
#[test]
#[ignore = "the child of the tests below"]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let (point, at) =
        env::var(ABORT).ok().and_then(|at| at.rsplit_once(' ').map(|(p, h)| (p.to_owned(), h.parse::<u64>().unwrap()))).unwrap_or_default();
    // Where it will be killed, a small buffer makes it write files and change logs all the time; where it aborts, one log holds everything.
    let store = StateStore::open(PathBuf::from(folder), options(true, if point.is_empty() { 1 << 18 } else { 4 << 20 })).unwrap();
    loop {
        let next: u64 = store.base().map_or(0, |base| base.height + 1);
        let now = |here: &str| at == next && point == here;
        if now("before staging") {
            std::process::abort();
        }
        if now("before commit") {
            let _staged = store.stage(next, block(next)).unwrap();
            std::process::abort();
        }
        println!("\ncommitted {}", step(&store).height);
        if now("after commit") {
            std::process::abort();
        }
    }
}

fn spawn(folder: &Path, abort: Option<(&str, u64)>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--ignored", "--nocapture"]).env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some((point, height)) = abort {
        command.env(ABORT, format!("{point} {height}"));
    }
    command.spawn().unwrap()
}

/// Waits until the child has said that it committed `height`, kills it, and returns the last height it said.
fn kill_after(mut child: Child, height: u64) -> u64 {
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let heights = |line: String| line.strip_prefix("committed ").and_then(|height| height.parse::<u64>().ok());
    let mut last = 0;
    for committed in said.by_ref().filter_map(heights) {
        last = committed;
        if committed >= height {
            child.kill().unwrap();
            break;
        }
    }
    last = said.filter_map(heights).last().unwrap_or(last);
    assert_eq!(child.wait().unwrap().code(), None, "ended by a signal");
    last
}

/// The store is whole at a height that the undisturbed chain has too, and goes on as that one did.
fn assert_whole(folder: &Path, expected: &[Version]) -> Option<Version> {
    let store = open(folder);
    let found = store.base();
    if let Some(version) = found {
        assert_eq!(Some(&version), expected.get(version.height as usize));
        store.audit().unwrap();
    }
    while let Some(next) = expected.get(store.base().map_or(0, |base| base.height as usize + 1)) {
        assert_eq!(step(&store), *next);
    }
    store.audit().unwrap();
    found
}

#[test]
fn an_abort_around_a_commit_leaves_the_last_committed_height() {
    let expected = undisturbed(14);
    for (point, height, left) in [
        ("before staging", 0, None),
        ("after commit", 0, Some(0)),
        ("before staging", 1, Some(0)),
        ("before commit", 1, Some(0)),
        ("after commit", 1, Some(1)),
        ("before staging", 9, Some(8)),
        ("before commit", 9, Some(8)),
        ("after commit", 9, Some(9)),
    ] {
        let folder = TempDir::new().unwrap();
        kill_after(spawn(folder.path(), Some((point, height))), u64::MAX);
        let found = assert_whole(folder.path(), &expected);
        assert_eq!(found.map(|version| version.height), left, "{point} {height}");
    }
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_committed() {
    let expected = undisturbed(400);
    let folder = TempDir::new().unwrap();
    for height in [0, 1, 2, 7, 30, 31, 90, 150] {
        let said = kill_after(spawn(folder.path(), None), height);
        let store = open(folder.path());
        let found = store.base().unwrap();
        // It may have committed one more than it came to say.
        assert!(found.height == said || found.height == said + 1, "said {said}, found {}", found.height);
        assert_eq!(found, expected[found.height as usize]);
        store.audit().unwrap();
    }
    assert_whole(folder.path(), &expected);
}

/// A copy of a folder, with the newest log changed by `damage`.
fn damaged(folder: &Path, damage: impl Fn(&mut Vec<u8>)) -> TempDir {
    let copy = TempDir::new().unwrap();
    let mut newest = PathBuf::new();
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        let to = copy.path().join(file.file_name().unwrap());
        fs::copy(&file, &to).unwrap();
        if file.extension().is_some_and(|e| e == "log") {
            newest = newest.max(to);
        }
    }
    let mut bytes = fs::read(&newest).unwrap();
    damage(&mut bytes);
    fs::write(&newest, bytes).unwrap();
    copy
}

#[test]
fn a_torn_or_damaged_log_gives_an_earlier_whole_height() {
    let expected = undisturbed(14);
    let folder = TempDir::new().unwrap();
    kill_after(spawn(folder.path(), Some(("after commit", 12))), u64::MAX);
    let mut random = StdRng::seed_from_u64(1);
    let mut seen = std::collections::BTreeSet::new();
    let mut check = |copy: &TempDir| seen.extend(assert_whole(copy.path(), &expected).map(|version| version.height));
    for cut in [0, 1, 2, 100, 5_000, 20_000, usize::MAX] {
        check(&damaged(folder.path(), |log| log.truncate(log.len().saturating_sub(cut))));
    }
    // Bytes that RocksDB would take for records of a recycled log.
    for kind in [5, 8, 11, 131] {
        check(&damaged(folder.path(), |log| log.extend([kind; 100])));
    }
    for _ in 0..12 {
        let (place, bit) = (random.r#gen::<u32>() as usize, 1u8 << random.gen_range(0..8));
        check(&damaged(folder.path(), |log| log.truncate(place % log.len())));
        check(&damaged(folder.path(), |log| {
            let place = place % log.len();
            log[place] ^= bit;
        }));
        check(&damaged(folder.path(), |log| log.extend([bit; 100])));
    }
    assert!(seen.len() > 4, "the cuts reached several heights: {seen:?}");
    assert_eq!(seen.last(), Some(&12));
}
