//! A model over HTTP: answers, receipts, vouchers.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may panic")]
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use cairn_models::{Card, ModelFile, Quantised};
use cairn_program::{Graph, Kind, Node, Op, Operand, Tensor, TensorType};
use serde_json::{Value, json};

/// A program that serves, and is stopped at the end.
struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn agent() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cairn-agent"))
}

fn serve(folder: &Path, more: &[&str]) -> Server {
    let words = ["serve", "--model", "model", "--key", "key", "--chain-id", "cairn-1", "--listen", "127.0.0.1:0"];
    let mut child = agent().current_dir(folder).args(words).args(more).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    Server(child, line.trim().strip_prefix("listening on http://").unwrap().to_owned())
}

impl Server {
    /// Status and answer of a request.
    fn ask(&self, path: &str, body: Option<Value>, voucher: &str) -> (u16, Value) {
        let text = body.as_ref().map(Value::to_string).unwrap_or_default();
        let method = if body.is_some() { "POST" } else { "GET" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nx-cairn-voucher: {voucher}\r\n"
        );
        let mut stream = TcpStream::connect(&self.1).unwrap();
        write!(stream, "{head}content-length: {}\r\n\r\n{text}", text.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

/// Which of two numbers is larger.
fn larger() -> ModelFile {
    let weights = Tensor::new(TensorType::new(Kind::I8, &[2, 2]), vec![100, -100, -100, 100]).unwrap();
    let sums = Node { op: Op::Linear, operands: vec![Operand::Input, Operand::Weight(0)] };
    let largest = Node { op: Op::Argmax, operands: vec![Operand::Node(0)] };
    let graph = Graph::new(TensorType::new(Kind::I8, &[2]), vec![weights.shape.clone()], vec![sums, largest]);
    let card = Card { classes: vec!["first".into(), "second".into()], input: Some(Quantised { scale: 0.01 }), ..Card::default() };
    ModelFile::new(card, graph, vec![weights]).unwrap()
}

/// Says behind each byte the next letter of the alphabet.
fn alphabet() -> ModelFile {
    let shape = |kind, dims: &[u32]| TensorType::new(kind, dims);
    let table =
        Tensor::new(shape(Kind::I8, &[256]), (-128..128).map(|x: i32| if (0..127).contains(&x) { x + 1 } else { 0 }).collect()).unwrap();
    let zeros = Tensor::new(shape(Kind::I8, &[8]), vec![0; 8]).unwrap();
    let next = Node { op: Op::Table, operands: vec![Operand::Input, Operand::Weight(0)] };
    let words = Node { op: Op::Add, operands: vec![Operand::Node(0), Operand::Weight(1)] };
    let graph = Graph::new(shape(Kind::I8, &[8]), vec![table.shape.clone(), zeros.shape.clone()], vec![next, words]);
    ModelFile::new(Card::default(), graph, vec![table, zeros]).unwrap()
}

fn receipt(folder: &Path, answer: &Value, model: &str) -> (bool, String) {
    fs::write(folder.join("answer"), answer.to_string()).unwrap();
    let out = agent().current_dir(folder).args(["receipt", "answer", "--model", model]).output().unwrap();
    (out.status.success(), String::from_utf8([out.stdout, out.stderr].concat()).unwrap())
}

#[test]
fn answers_carry_receipts_that_hold_their_signer() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("model"), larger().write().unwrap()).unwrap();
    fs::write(at("other"), alphabet().write().unwrap()).unwrap();
    let server = serve(folder.path(), &[]);
    assert_eq!(fs::metadata(at("key")).unwrap().permissions().mode() & 0o777, 0o600);
    let (_, listed) = server.ask("/v1/models", None, "");
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["reproducible"]), (&hex::encode(larger().id()).into(), &true.into()));

    let (status, answer) = server.ask("/v1/infer", Some(json!({"values": [0.2, 0.9]})), "");
    assert_eq!((status, &answer["class"]), (200, &"second".into()), "{answer}");
    assert_eq!(server.ask("/v1/infer", Some(json!({"input": [9, -9]})), "").1["class"], "first");
    assert!(receipt(folder.path(), &answer, "model").0);
    assert!(receipt(folder.path(), &answer, "other").1.contains("another program"));
    for (field, forged, why) in [
        ("outputs", json!([[0]]), "another output"),
        ("inputs", json!([[1, 2]]), "another root"),
        ("chain_id", json!("cairn-2"), "signature"),
        ("trace_root", json!("00".repeat(32)), "signature"),
        ("signature", json!("00"), "signature"),
    ] {
        let mut forgery = answer.clone();
        forgery["receipt"][field] = forged;
        let (done, told) = receipt(folder.path(), &forgery, "model");
        assert!(!done && told.contains(why), "{field}: {told}");
    }
    for wrong in [json!({}), json!({"input": [1]}), json!({"input": [1, 999]}), json!({"input": [1, 2], "values": [1.0, 2.0]})] {
        let (status, told) = server.ask("/v1/infer", Some(wrong), "");
        assert_eq!((status, &told["error"]["type"]), (400, &"invalid_request_error".into()), "{told}");
    }
    assert_eq!(server.ask("/v1/completions", Some(json!({"prompt": "a"})), "").0, 400);
}

#[test]
fn texts_go_on_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model"), alphabet().write().unwrap()).unwrap();
    let server = serve(folder.path(), &[]);
    for prompt in ["a", "the whole alphabet: a"] {
        let (status, answer) = server.ask("/v1/completions", Some(json!({"model": "x", "prompt": prompt, "max_tokens": 5})), "");
        assert_eq!((status, &answer["choices"][0]["text"]), (200, &"bcdef".into()), "{answer}");
        assert_eq!(answer["receipt"]["inputs"].as_array().unwrap().len(), 5);
        assert!(receipt(folder.path(), &answer, "model").0);
    }
    for wrong in [
        json!({"prompt": ""}),
        json!({"prompt": "\u{e9}"}),
        json!({"prompt": "a", "max_tokens": 257}),
        json!({"prompt": "a", "max_tokens": 0}),
    ] {
        assert_eq!(server.ask("/v1/completions", Some(wrong), "").0, 400);
    }
}

#[test]
fn a_call_is_served_once_for_what_is_paid() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model"), larger().write().unwrap()).unwrap();
    // Stands for `cairnd license session accept`: prints what it accepts, and refuses what is no voucher.
    fs::write(folder.path().join("accept"), "grep -q calls \"$1\" || { echo no voucher >&2; exit 1; }; cat \"$1\"").unwrap();
    let more = ["--accept-with", "sh accept", "--served", "served"];
    let server = serve(folder.path(), &more);
    let ask = |server: &Server, voucher: &str| server.ask("/v1/infer", Some(json!({"input": [1, 2]})), voucher);
    for (voucher, why) in [("", "x-cairn-voucher"), ("{}", "no voucher"), ("{\"session\":7,\"calls\":0}", "were served")] {
        let (status, told) = ask(&server, voucher);
        assert!(status == 402 && told["error"]["message"].as_str().unwrap().contains(why), "{told}");
    }
    let two = "{\"session\":7,\"calls\":2}";
    assert_eq!(server.ask("/v1/infer", Some(json!({"input": [1]})), two).0, 400, "what is refused is not paid for");
    assert_eq!((ask(&server, two).0, ask(&server, two).0, ask(&server, two).0), (200, 200, 402));
    drop(server);
    let again = serve(folder.path(), &more);
    assert_eq!(
        (ask(&again, two).0, ask(&again, "{\"session\":7,\"calls\":3}").0, ask(&again, "{\"session\":8,\"calls\":1}").0),
        (402, 200, 200)
    );
}
