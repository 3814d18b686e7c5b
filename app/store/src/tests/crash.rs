//! The process aborts before and after each write of a chain that commits, prunes, takes snapshots, rolls back and restores.
//!
//! The child is this test binary again. What it leaves must be a whole height, whole snapshots, and a start from which the same scenario ends
//! as it does undisturbed.
use std::{
    collections::BTreeSet,
    env,
    path::Path,
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use cairn_kernel::Writes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::TempDir;

use super::chain::options;
use crate::{FORMAT, Pruning, Snapshots, StateStore, Version};

const FOLDER: &str = "CAIRN_STORE_MATRIX_FOLDER";
const AT: &str = "CAIRN_STORE_MATRIX_AT";
const LAST: u64 = 5;
/// Heights at which a snapshot is taken; the first is deleted again.
const SNAPSHOTS: [u64; 2] = [2, 4];

static PASSED: AtomicU64 = AtomicU64::new(0);

/// Called before and after whatever reaches the disk.
pub(crate) fn point() {
    static AT_POINT: OnceLock<Option<u64>> = OnceLock::new();
    let at = AT_POINT.get_or_init(|| env::var(AT).ok().and_then(|at| at.parse().ok()));
    if PASSED.fetch_add(1, Ordering::SeqCst) == at.unwrap_or(u64::MAX) {
        std::process::abort();
    }
}

fn block(height: u64) -> Writes {
    let mut random = StdRng::seed_from_u64(height);
    let mut writes = Writes::new();
    for _ in 0..40 {
        let key = format!("{}/{}", ["auth", "bank"][random.gen_range(0..2)], random.gen_range(0..50));
        writes.insert(key.into_bytes(), random.gen_bool(0.7).then(|| vec![random.r#gen(); random.gen_range(0..120)]));
    }
    writes
}

fn open(folder: &Path, name: &str) -> StateStore {
    StateStore::open(folder.join(name), options(Pruning::Custom { keep_recent: 2, interval: 2 })).unwrap()
}

fn snapshots(folder: &Path) -> Snapshots {
    Snapshots::new(folder.join("snapshots"))
}

/// The whole scenario from wherever it stands; what each height came to.
fn run(folder: &Path) -> Vec<Version> {
    let (store, snapshots) = (open(folder, "state"), snapshots(folder));
    snapshots.clean().unwrap();
    snapshots.keep(1).unwrap();
    let mut seen = Vec::new();
    let mut turned = false;
    while store.base().is_none_or(|base| base.height < LAST) {
        seen.push(match store.base() {
            None => store.reset_genesis("crash-1", 1, block(0)).unwrap(),
            Some(base) => store.commit(store.stage(base.height + 1, block(base.height + 1)).unwrap()).unwrap(),
        });
        let height = store.base().unwrap().height;
        if SNAPSHOTS.contains(&height) {
            snapshots.create(&store.view().unwrap(), "crash-1").unwrap();
            snapshots.keep(1).unwrap();
        }
        if height == LAST && !turned {
            assert_eq!(store.prune_all().unwrap(), LAST - 1);
            store.rollback_one().unwrap();
            turned = true;
        }
    }
    restore(folder);
    seen
}

/// Restores the newest snapshot into a store of its own.
fn restore(folder: &Path) {
    let (store, snapshots) = (open(folder, "restored"), snapshots(folder));
    let Some(snapshot) = snapshots.list().unwrap().into_iter().next() else { return };
    if store.base().is_some() {
        return;
    }
    let mut restore = store.begin_restore(snapshot.clone()).unwrap();
    for index in 0..snapshot.chunks() {
        let chunk = snapshots.chunk(snapshot.height, FORMAT, index).unwrap().unwrap();
        store.restore_chunk(&mut restore, index, &chunk).unwrap();
    }
}

#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    PASSED.store(0, Ordering::SeqCst);
    run(Path::new(&folder));
    println!("\npassed {}", PASSED.load(Ordering::SeqCst));
}

fn spawn(folder: &Path, at: u64) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "tests::crash::child", "--ignored", "--nocapture"]).env(FOLDER, folder).env(AT, at.to_string());
    let out = command.stdin(Stdio::null()).stderr(Stdio::null()).output().unwrap();
    assert!(out.status.success() == (at == u64::MAX), "point {at}: {}", out.status);
    String::from_utf8(out.stdout).unwrap()
}

/// What stands in `folder` is whole: heights of the undisturbed chain, and snapshots of which every chunk is right.
fn assert_whole(folder: &Path, expected: &[Version], at: u64) -> Option<u64> {
    let mut height = None;
    for name in ["state", "restored"] {
        let store = open(folder, name);
        if let Some(base) = store.base() {
            assert_eq!(Some(&base), expected.get(base.height as usize), "{name} after point {at}");
            assert_eq!(store.latest(), (base.height > 0).then_some(base));
            store.audit().unwrap();
            store.view_at(store.oldest().unwrap()).unwrap().roots().unwrap();
            height = height.or(Some(base.height));
        }
    }
    for snapshot in snapshots(folder).list().unwrap() {
        assert_eq!(snapshot.app_hash, expected[snapshot.height as usize].app_hash);
        for index in 0..snapshot.chunks() {
            snapshot.check(index, &snapshots(folder).chunk(snapshot.height, FORMAT, index).unwrap().unwrap()).unwrap();
        }
    }
    height
}

#[test]
fn an_abort_at_any_write_leaves_whole_heights_and_whole_snapshots() {
    let undisturbed = TempDir::new().unwrap();
    let mut expected = run(undisturbed.path());
    assert_eq!(expected.pop(), Some(expected[LAST as usize]), "the last height is rolled back and comes again");
    let whole = TempDir::new().unwrap();
    let said = spawn(whole.path(), u64::MAX);
    let count: u64 = said.lines().find_map(|line| line.strip_prefix("passed ")).unwrap().parse().unwrap();
    assert!(count > 40, "{count}");
    let check = |at: u64| {
        let folder = TempDir::new().unwrap();
        spawn(folder.path(), at);
        let height = assert_whole(folder.path(), &expected, at);
        run(folder.path());
        assert_eq!(assert_whole(folder.path(), &expected, at), Some(LAST));
        let left = snapshots(folder.path()).list().unwrap();
        assert!(left.len() < 2 && !std::fs::read_dir(folder.path().join("snapshots")).is_ok_and(|n| n.count() > left.len()));
        height
    };
    // Half of the points on another thread.
    let half = |odd: u64| (odd..count).step_by(2).map(check).collect::<BTreeSet<_>>();
    let seen: BTreeSet<Option<u64>> = thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0).into_iter().chain(other.join().unwrap()).collect()
    });
    assert_eq!(seen.len() as u64, LAST + 2, "before genesis and at every height: {seen:?}");
}
