//! An annotator from whom pay was withheld appeals, annotators of another job are its jury, and the verdict pays: each step by the command
//! line.
use std::process::Command;

use cairn_e2e::{Process, program};
use cairn_formats::JobKind;
use serde_json::{Value, json};

use super::{CREW, Work, desk};

/// Courts of three that decide soon, of annotators with one small job behind them.
pub(super) fn hasten(genesis: &mut Value) {
    let params = genesis.pointer_mut("/app_state/dispute/params").expect("dispute has parameters");
    for (name, value) in [("commit_blocks", "30"), ("reveal_blocks", "30"), ("appeal_blocks", "3"), ("min_labels", "20")] {
        params[name] = json!(value);
    }
    for (name, value) in [("jury_size", 3), ("second_size", 3), ("quorum", 2)] {
        params[name] = json!(value);
    }
}

/// Runs a whole dispute about a CLASSIFY job. The jurors have settled another one.
pub(super) fn run(work: &Work<'_>, jurors: &[&str; 3]) {
    let people = [3, 4, 5].map(|n| CREW[n]);
    let appellant = people[2];
    let job = work.post("again");
    std::thread::scope(|scope| {
        let watch = scope.spawn(move || work.network.cairnd(&["job", "watch", &job.to_string(), "--from", "requester"]));
        for juror in jurors {
            scope.spawn(move || work.network.cairnd(&["jury", "join", "--skill", "classify", "--from", juror]));
        }
        for person in people {
            scope.spawn(move || {
                let fill = |folder: &std::path::Path| {
                    if person == appellant { desk::contradict(folder) } else { desk::fill(folder, JobKind::Classify, true) }
                };
                let lease = work.commit(job, person, 0, fill);
                work.reveal(person, &lease);
            });
        }
        work.until(job, |status| status["status"]["state"] == "JOB_STATE_APPEAL");
        judge(work, job, appellant, jurors);
        assert!(watch.join().unwrap().contains("published"));
    });
    work.books(job);
    let address = work.address(appellant);
    let worker = work.ask(&["query", "annotation", "worker", &job.to_string(), &address]);
    let result = worker.pointer("/worker/result").unwrap();
    assert_eq!(result["appeal_won"], true, "{result}");
    assert_eq!(result["awarded"], "200000", "20 labels at 10000: {result}");
}

/// From the appeal to the closed case.
fn judge(work: &Work<'_>, job: u64, appellant: &str, jurors: &[&str; 3]) {
    let told = work.network.cairnd(&["job", "appeal", &job.to_string(), "--from", appellant]);
    let case = told.lines().find_map(|line| line.strip_prefix("case ")?.split(':').next()).unwrap().to_owned();
    let path = format!("/cairn/dispute/v1/cases/{case}");
    work.until_at(&path, |found| found["case"]["state"] == "CASE_STATE_COMMIT");
    let mut watch = Command::new(program("cairnd"));
    watch.args(["jury", "watch", "--from", jurors[0], "--node", &work.network.rpc(0)]).env("CAIRN_HOME", work.network.client());
    watch.env("CAIRN_PASSPHRASE", cairn_driver::run::PASSPHRASE);
    let log = work.network.path().join("jury.log");
    let _watch = Process::start("jury watch", &mut watch, &log);
    std::thread::scope(|scope| {
        for juror in jurors {
            let case = &case;
            scope.spawn(move || {
                let _ = work.network.cairnd(&["jury", "vote", case, "overturn", "--from", juror]);
                if *juror != jurors[0] {
                    let _ = work.network.cairnd(&["jury", "reveal", case, "--from", juror]);
                }
            });
        }
    });
    let closed = work.until_at(&path, |found| found["case"]["state"] == "CASE_STATE_CLOSED");
    assert_eq!(closed["case"]["outcome"], "OUTCOME_OVERTURNED", "{closed}");
    let revealed = |seat: &Value| seat["choice"] == "CHOICE_OVERTURN";
    let seats = closed["seats"].as_array().unwrap();
    assert!(seats.len() == 3 && seats.iter().all(revealed), "{closed}\n{}", std::fs::read_to_string(&log).unwrap_or_default());
    let cases = work.ask(&["jury", "cases", &work.address(jurors[0]), "--all"]);
    assert_eq!(cases.as_array().map(Vec::len), Some(1), "{cases}");
}
