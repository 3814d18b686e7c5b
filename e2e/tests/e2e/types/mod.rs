//! A job of each of the nine types on a real network, from the folder of items to the withdrawn refund, every step by the command line.
mod desk;
mod dispute;
mod exports;

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use cairn_e2e::{Network, Options};
use cairn_formats::JobKind;
use serde_json::{Value, json};

/// People who annotate and verify.
const CREW: [&str; 14] = [
    "honest-55",
    "honest-65",
    "honest-75",
    "honest-82",
    "honest-88",
    "honest-92",
    "honest-94",
    "honest-96",
    "honest-97",
    "honest-98",
    "lazy",
    "random",
    "copier-a",
    "copier-b",
];

/// Appeals are over soon, and one account may hold all seats of a job.
fn hasten(genesis: &mut Value) {
    let params = genesis.pointer_mut("/app_state/annotation/params/rules").expect("annotation has rules");
    params["appeal_window"] = json!("30");
    params["account_seats_bps"] = json!(10_000);
    dispute::hasten(genesis);
}

/// One job and who works on it.
struct Work<'a> {
    network: &'a Network,
    kind: JobKind,
    /// Where in the crew its people begin.
    first: usize,
}

impl Work<'_> {
    fn ask(&self, args: &[&str]) -> Value {
        self.network.cairnd_json(args)
    }
    fn person(&self, n: usize) -> &'static str {
        CREW[(self.first + n) % CREW.len()]
    }
    fn folder(&self, name: &str) -> PathBuf {
        self.network.path().join(desk::word(self.kind)).join(name)
    }
    fn address(&self, name: &str) -> String {
        self.network.accounts().iter().find(|account| account.name == name).unwrap().address.clone()
    }
    /// Waits until what the REST door answers is enough.
    fn until_at(&self, path: &str, enough: impl Fn(&Value) -> bool) -> Value {
        let (start, url) = (Instant::now(), format!("{}{path}", self.network.rest(0)));
        loop {
            let found = serde_json::from_str(&ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap()).unwrap();
            if enough(&found) {
                return found;
            }
            assert!(start.elapsed() < Duration::from_secs(180), "{} {path}: {found}", self.kind);
            thread::sleep(Duration::from_millis(500));
        }
    }
    /// Waits until the job is so far.
    fn until(&self, job: u64, enough: impl Fn(&Value) -> bool) -> Value {
        self.until_at(&format!("/cairn/annotation/v1/jobs/{job}"), enough)
    }
    /// Posts the items of a new folder.
    fn post(&self, name: &str) -> u64 {
        let folder = self.folder(name);
        desk::write_job(&folder, self.kind);
        let gateway = self.network.gateway();
        let posted = self.ask(&["job", "post", folder.to_str().unwrap(), "--from", "requester", "--gateway", &gateway, "--yes"]);
        posted["job"].as_u64().unwrap()
    }
    /// Claims a lease, fills it in and commits. Gives its number.
    fn commit(&self, job: u64, person: &str, round: usize, fill: impl Fn(&Path)) -> String {
        let out = self.folder(&format!("{job}-{person}-{round}"));
        let text = out.to_str().unwrap();
        let told = self.network.cairnd(&["annotate", "claim", &job.to_string(), "--from", person, "--out", text, "--output", "json"]);
        let lease = serde_json::Deserializer::from_str(&told).into_iter::<Value>().next().unwrap().unwrap()["lease"].to_string();
        fill(&out);
        let _ = self.network.cairnd(&["annotate", "commit", &lease, text, "--from", person]);
        lease
    }
    fn reveal(&self, person: &str, lease: &str) {
        let _ = self.network.cairnd(&["annotate", "reveal", lease, "--from", person]);
    }
    /// Makes labels or drafts.
    fn label(&self, job: u64, person: &str, cares: bool) {
        let lease = self.commit(job, person, 0, |folder| desk::fill(folder, self.kind, cares));
        self.reveal(person, &lease);
    }
    /// Judges both drafts of each task. A bucket is revealed when all have committed, so both are committed first.
    fn judge(&self, stage: u64, person: &str) {
        let commit = |round| self.commit(stage, person, round, |folder| desk::judge(folder, self.kind, "labels.csv"));
        [0, 1].map(commit).iter().for_each(|lease| self.reveal(person, lease));
    }
    /// From the folder of items to the refund.
    fn run(&self) {
        let job = self.post("items");
        exports::check_unsettled(self, job);
        thread::scope(|scope| {
            let watch = scope.spawn(move || self.network.cairnd(&["job", "watch", &job.to_string(), "--from", "requester"]));
            thread::scope(|scope| {
                let people = if desk::produces(self.kind) { 2 } else { 3 };
                for n in 0..people {
                    let cares = n == 0 || !desk::produces(self.kind);
                    scope.spawn(move || self.label(job, self.person(n), cares));
                }
            });
            if desk::produces(self.kind) {
                self.verify(job);
            }
            println!("{} job {job}:\n{}", self.kind, watch.join().unwrap());
        });
        self.check(job);
    }
    /// The requester judges, where drafts are told by their hashes; verifiers judge all.
    fn verify(&self, job: u64) {
        if matches!(self.kind, JobKind::Text | JobKind::Audio) {
            self.until(job, |status| {
                status.pointer("/status/settlement/step").is_some_and(|step| step == "SETTLE_STEP_AWAIT_VERDICT_GOLD")
            });
            let out = self.folder("judged");
            let number = job.to_string();
            let _ = self.network.cairnd(&["job", "judge", &number, "--out", out.to_str().unwrap(), "--from", "requester"]);
            desk::judge(&out, self.kind, "verdicts.csv");
            let _ = self.network.cairnd(&["job", "judge", &number, out.to_str().unwrap(), "--from", "requester"]);
        }
        let stage =
            |status: &Value| status.pointer("/status/stage").and_then(Value::as_str).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        let stage = stage(&self.until(job, |status| stage(status) > 0));
        thread::scope(|scope| {
            for n in 2..5 {
                scope.spawn(move || self.judge(stage, self.person(n)));
            }
        });
        self.books(stage);
    }
    /// A closed job has nothing left: what came in went somewhere.
    fn books(&self, job: u64) {
        let status = self.until(job, |status| status["status"]["state"] == "JOB_STATE_CLOSED");
        let escrow = status.pointer("/status/escrow").unwrap();
        let amount = |name: &str| escrow[name].as_str().unwrap_or("").parse::<u128>().unwrap_or(0);
        assert!(amount("in_total") > 0);
        let out: u128 = ["claimable", "refunded", "burnt", "pool", "staged"].map(amount).iter().sum();
        assert_eq!(amount("in_total"), out, "{} job {job}: {escrow}", self.kind);
        let verdict = status.pointer("/status/settlement/gold").unwrap();
        assert_eq!(verdict, "GOLD_VERDICT_SOUND", "{} job {job}", self.kind);
    }
    fn check(&self, job: u64) {
        self.books(job);
        exports::check(self, job);
        let number = job.to_string();
        if desk::produces(self.kind) {
            let found = self.ask(&["query", "annotation", "drafts", &number]);
            let drafts = found["drafts"].as_array().unwrap();
            assert_eq!(drafts.len(), 40);
            let careful = self.address(self.person(0));
            for draft in drafts {
                let is_careful = draft["annotator"] == careful.as_str();
                assert_eq!(draft["draft"]["chosen"] == true, is_careful, "{} job {job}: {draft}", self.kind);
            }
        }
    }
}

#[test]
fn a_job_of_each_type_runs_from_the_folder_of_items_to_the_refund() {
    let mut network = Network::start_with(&Options { validators: 1, pause: "200ms", gateway: true, ..Options::default() }, hasten);
    let shared = &network;
    thread::scope(|scope| CREW.iter().for_each(|name| drop(scope.spawn(move || shared.import(name)))));
    thread::scope(|scope| {
        for (place, kind) in JobKind::ALL.into_iter().enumerate() {
            scope.spawn(move || {
                let work = Work { network: shared, kind, first: place * 5 };
                work.run();
                if kind == JobKind::Classify {
                    dispute::run(&work, &[0, 1, 2].map(|n| work.person(n)));
                }
            });
        }
    });
    let requester = network.accounts()[0].address.clone();
    let left = network.cairnd(&["query", "annotation", "earnings", &requester, "--output", "json"]);
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["claimable"], json!([]), "every watch withdrew its refund");
    let careful = network.accounts().iter().find(|account| account.name == CREW[0]).unwrap().address.clone();
    let before = balance(&network, &careful);
    let _ = network.cairnd(&["tx", "annotation", "withdraw-earnings", "--from", CREW[0]]);
    assert!(balance(&network, &careful) > before);
    assert!(network.stop_node(0), "SIGTERM must end a node well");
    let home = network.path().join("nodes/node0");
    let checked = network.cairnd(&["check", "--home", home.to_str().unwrap()]);
    assert!(checked.contains("every invariant"), "{checked}");
}

fn balance(network: &Network, address: &str) -> u128 {
    let found = network.cairnd(&["query", "bank", "balance", address, "--denom", "ucairn", "--output", "json"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    found["balance"]["amount"].as_str().unwrap().parse().unwrap()
}
