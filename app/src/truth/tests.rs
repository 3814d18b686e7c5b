//! Replays over small files.

use std::io::Read;

use cairn_truth::Model;
use clap::Parser;

use super::*;

/// Six tasks, four honest workers and one who always says cat.
const LABELS: &str = "worker,task,label\n\
    ann,t1,cat\nann,t2,dog\nann,t3,cat\nann,t4,dog\nann,t5,cat\nann,t6,dog\n\
    bob,t1,cat\nbob,t2,dog\nbob,t3,cat\nbob,t4,dog\nbob,t5,cat\nbob,t6,dog\n\
    cid,t1,cat\ncid,t2,dog\ncid,t3,dog\ncid,t4,dog\ncid,t5,cat\ncid,t6,dog\n\
    lea,t1,cat\nlea,t2,cat\nlea,t3,cat\nlea,t4,cat\nlea,t5,cat\nlea,t6,cat\n";

fn run(labels: &str, gold: Option<&str>) -> Result<Report> {
    replay(labels.as_bytes(), gold.map(str::as_bytes), &ReplayOptions::default())
}

fn refused(labels: &str, gold: Option<&str>) -> BadInput {
    run(labels, gold).unwrap_err().downcast().unwrap()
}

#[test]
fn labels_and_pay_come_out_by_name() {
    let report = run(LABELS, None).unwrap();
    let labels: Vec<_> = report.tasks.iter().map(|row| (row.task.as_str(), row.label.as_deref().unwrap())).collect();
    assert_eq!(labels, [("t1", "cat"), ("t2", "dog"), ("t3", "cat"), ("t4", "dog"), ("t5", "cat"), ("t6", "dog")]);
    let workers: Vec<_> = report.workers.iter().map(|row| (row.worker.as_str(), row.labels)).collect();
    assert_eq!(workers, [("ann", 6), ("bob", 6), ("cid", 6), ("lea", 6)]);
    assert!(report.workers[0].pay > 0);
    assert_eq!((report.workers[3].pay, report.workers[3].kappa.parts), (0, 0));
    assert_eq!(report.outcome.model, Model::DawidSkene);
    assert_eq!(report.outcome.labels, 24);
}

#[test]
fn the_order_of_lines_changes_nothing() {
    let mut lines: Vec<&str> = LABELS.lines().skip(1).collect();
    lines.reverse();
    let reversed = format!("worker,task,label\n{}\n", lines.join("\n"));
    assert_eq!(run(&reversed, None).unwrap(), run(LABELS, None).unwrap());
    let spaced = LABELS.replace(',', " , ").replace('\n', "\r\n");
    assert_eq!(run(&spaced, None).unwrap(), run(LABELS, None).unwrap());
}

#[test]
fn gold_gates() {
    let gold = "task,truth\nt2,dog\nt4,dog\nt6,dog\nt1,cat\n";
    let report = run(LABELS, Some(gold)).unwrap();
    assert_eq!((report.outcome.gold.opened, report.outcome.gold.void), (4, 0));
    // One right and three wrong: 0.49 - 3 * 0.74 bits lie above -2, but not above -1.
    assert_eq!(report.workers[3].basis, "kappa");
    let options = ReplayOptions { gate_bits: -1, ..ReplayOptions::default() };
    let strict = replay(LABELS.as_bytes(), Some(gold.as_bytes()), &options).unwrap();
    assert_eq!((strict.workers[3].basis, strict.workers[3].pay), ("excluded", 0));
}

#[test]
fn unopened_gold_pays_in_full_and_excludes_given_gold() {
    let options = ReplayOptions { unopened: true, price: 10, ..ReplayOptions::default() };
    let report = replay(LABELS.as_bytes(), None::<&[u8]>, &options).unwrap();
    assert_eq!(report.workers.iter().map(|row| row.pay).collect::<Vec<_>>(), [60, 60, 60, 0]);
    assert!(replay(LABELS.as_bytes(), Some(&b"task,truth\n"[..]), &options).is_err());
}

#[test]
fn a_repeated_label_is_refused_with_its_line() {
    let again = format!("{LABELS}bob,t2,cat\nann,t1,cat\n");
    let expected = BadInput::Repeated { line: 26, first: 9, worker: "bob".into(), task: "t2".into() };
    assert_eq!(refused(&again, None), expected);
    assert_eq!(expected.to_string(), "labels, line 26: worker bob labelled task t2 already in line 9");
}

#[test]
fn bad_files_are_refused_with_their_line() {
    let heading = |found: &str| BadInput::Heading { file: "labels", found: found.into(), expected: "worker,task,label".into() };
    assert_eq!(refused("", None), heading(""));
    assert_eq!(refused("task,worker,label\na,b,c\n", None), heading("task,worker,label"));
    assert_eq!(refused("worker,task,label\n", None), BadInput::Empty);
    let line = |line, reason: &str| BadInput::Line { file: "labels", line, reason: reason.into() };
    assert_eq!(refused("worker,task,label\na,b,c\na,b\n", None), line(3, "2 fields, expected 3"));
    assert_eq!(refused("worker,task,label\na,b,c,d\n", None), line(2, "4 fields, expected 3"));
    let not_text = replay(&b"worker,task,label\na,\xff,c\n"[..], None::<&[u8]>, &ReplayOptions::default());
    assert_eq!(not_text.unwrap_err().downcast::<BadInput>().unwrap(), line(2, "not UTF-8"));
    let name = |what, bytes| BadInput::Name { file: "labels", line: 2, what, bytes };
    assert_eq!(refused("worker,task,label\na,,c\n", None), name("task", 0));
    assert_eq!(refused(&format!("worker,task,label\n{},b,c\n", "x".repeat(257)), None), name("worker", 257));
    let gold = |text: &str| refused(LABELS, Some(text));
    assert_eq!(gold("task,label\n"), BadInput::Heading { file: "gold", found: "task,label".into(), expected: "task,truth".into() });
    assert_eq!(gold("task,truth\nt1,cat\nt1,dog\n"), BadInput::RepeatedGold { line: 3, task: "t1".into() });
}

#[test]
fn more_than_sixty_four_classes_are_refused() {
    let rows = |classes: usize| -> String { (0..classes).map(|class| format!("w,t{class},c{class}\n")).collect() };
    assert!(run(&format!("worker,task,label\n{}", rows(64)), None).is_ok());
    let expected = BadInput::TooMany { file: "labels", line: 66, what: "classes", most: 64 };
    assert_eq!(refused(&format!("worker,task,label\n{}", rows(65)), None), expected);
}

#[test]
fn names_may_be_numbers_of_a_job() {
    let options = ReplayOptions { tasks: Some(5), workers: Some(4), classes: Some(3), ..ReplayOptions::default() };
    let labels = "worker,task,label\n0000000001,0000000000,00002\n3,0,2\n0,0,2\n1,4,2\n";
    let report = replay(labels.as_bytes(), None::<&[u8]>, &options).unwrap();
    let labels: Vec<_> = report.tasks.iter().map(|row| row.label.as_deref()).collect();
    assert_eq!(labels, [Some("2"), None, None, None, Some("2")]);
    assert_eq!(report.workers.iter().map(|row| row.labels).collect::<Vec<_>>(), [1, 2, 0, 1]);
    let wrong = |labels: &str| replay(labels.as_bytes(), None::<&[u8]>, &options).unwrap_err().downcast::<BadInput>().unwrap();
    let not = |what, name: &str, count| BadInput::NotANumber { what, name: name.into(), count };
    assert_eq!(wrong("worker,task,label\n0,5,0\n"), not("task", "5", 5));
    assert_eq!(wrong("worker,task,label\n+1,0,0\n"), not("worker", "+1", 4));
    assert_eq!(wrong("worker,task,label\n0,0,cat\n"), not("label", "cat", 3));
    // Two spellings of one number are one worker.
    let twice = replay(&b"worker,task,label\n1,0,0\n01,0,0\n"[..], None::<&[u8]>, &options);
    assert!(twice.unwrap_err().to_string().contains("twice"));
}

#[test]
fn one_class_and_one_label_are_enough() {
    let report = run("worker,task,label\nann,t1,cat\n", None).unwrap();
    assert_eq!((report.tasks[0].label.as_deref(), report.workers[0].basis), (Some("cat"), "silence"));
}

#[test]
fn a_gold_task_without_labels_is_listed_without_a_label() {
    let report = run(LABELS, Some("task,truth\nt0,bird\n")).unwrap();
    assert_eq!(report.tasks[0], TaskRow { task: "t0".into(), label: None, posterior: None });
}

#[test]
fn tables_and_objects_are_written() {
    let report = run("worker,task,label\n\"a,b\",t1,cat\n", None).unwrap();
    let mut csv = vec![];
    report.write_csv(&mut csv).unwrap();
    let digest = hex::encode(report.outcome.digest);
    let expected = format!(
        "task,label,posterior\nt1,cat,1.000000\n\nworker,labels,kappa,pay\n\"a,b\",1,0.000000,500000\n\n\
         digest,model,passes,labels,gold_opened,gold_void\n{digest},dawid-skene,5,1,0,0\n"
    );
    let text = String::from_utf8(csv).unwrap();
    let posterior = text.lines().nth(1).unwrap().rsplit(',').next().unwrap();
    assert_eq!(text, expected.replace("1.000000", posterior));
    let mut json = vec![];
    report.write_json(&mut json).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value["digest"], digest);
    assert_eq!(value["workers"][0]["pay"], "500000");
    assert_eq!(value["tasks"][0]["posterior"], posterior);
}

#[test]
fn fractions_have_six_decimals_and_are_rounded() {
    let text = |parts, whole| Fraction { parts, whole }.to_string();
    assert_eq!((text(1, 3).as_str(), text(2, 3).as_str(), text(-1, 2).as_str()), ("0.333333", "0.666667", "-0.500000"));
    assert_eq!((text(0, 5).as_str(), text(-1, u64::MAX).as_str(), text(65_535, 65_535).as_str()), ("0.000000", "0.000000", "1.000000"));
}

#[test]
fn a_failing_reader_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    assert!(replay(Broken, None::<&[u8]>, &ReplayOptions::default()).unwrap_err().to_string().contains("gone"));
}

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    replay: ReplayArgs,
}

fn parsed(options: &[&str]) -> Result<ReplayArgs, clap::Error> {
    Line::try_parse_from(["replay", "labels.csv"].iter().chain(options)).map(|line| line.replay)
}

#[test]
fn options_are_parsed_and_checked() {
    let args = parsed(&["--target", "0.75", "--gate", "-3", "--price", "5", "--tasks", "9"]).unwrap();
    assert_eq!((args.target, args.gate, args.price, args.tasks), (7_500, -3, 5, Some(9)));
    assert_eq!(parsed(&[]).unwrap().target, 6_000);
    for target in ["0.39", "0.81", "6", "0.60001", "-0.6", ".6", "0.6x", ""] {
        assert!(parsed(&["--target", target]).is_err(), "{target}");
    }
    assert!(parsed(&["--digest", "00"]).is_err());
    assert_eq!(parsed(&["--digest", &"ab".repeat(32)]).unwrap().digest, Some([0xab; 32]));
    assert!(parsed(&["--gold", "g.csv", "--unopened"]).is_err());
}

#[test]
fn another_digest_than_expected_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    std::fs::write(&path, LABELS).unwrap();
    let digest = hex::encode(run(LABELS, None).unwrap().outcome.digest);
    let run = |digest: &str, json| {
        let line = Line::try_parse_from(["replay", path.to_str().unwrap(), "--digest", digest]).unwrap();
        line.replay.run(json, std::io::sink())
    };
    assert!(run(&digest, true).is_ok() && run(&digest, false).is_ok());
    assert!(run(&"00".repeat(32), false).unwrap_err().to_string().contains(&digest));
}
