//! A ceremony, a proof and its check by the program, as their users call it.
#![allow(clippy::expect_used, reason = "a test may panic")]
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use cairn_circuits::{Head, Layer, LayerShape, Network, Shape, program_of};
use cairn_kernel::{Address, chain32};
use cairn_models::{Card, ModelFile};
use cairn_verifier::{Claim, Context, Element, PreparedKey, RecordFile, SealFile, Statement};

const PROVER: &str = "cairn1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzhngkd";

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        let layers = vec![LayerShape { outputs: 3, shift: 2, relu: true }, LayerShape { outputs: 2, shift: 0, relu: false }];
        let shape = Shape { inputs: 2, layers, head: Head::Argmax };
        let numbers = vec![
            Layer { weights: vec![5, -3, 7, 2, -8, 1], biases: vec![1, 2, 3] },
            Layer { weights: vec![1, 2, 3, 4, -5, 6], biases: vec![0, -9] },
        ];
        let (graph, tensors) = program_of(&Network::new(shape, numbers).expect("a network"));
        let model = ModelFile::new(Card::default(), graph, tensors).expect("a model");
        std::fs::write(desk.path("model"), model.write().expect("a file")).expect("written");
        std::fs::write(desk.path("inputs"), "[[10, -20]]").expect("written");
        desk
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    /// Runs the program; words that begin with `@` are files on the desk.
    fn run(&self, command: &str) -> Output {
        let word = |word: &str| word.strip_prefix('@').map_or_else(|| word.into(), |name| self.path(name).into_os_string());
        Command::new(env!("CARGO_BIN_EXE_cairn-agent")).args(command.split_whitespace().map(word)).output().expect("the program")
    }
    fn does(&self, command: &str) -> String {
        let out = self.run(command);
        assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    }
    fn refuses(&self, command: &str, why: &str) {
        let out = self.run(command);
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && told.contains(why), "{command}: {told}");
    }
    fn change(&self, from: &str, to: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let mut value = serde_json::from_slice(&std::fs::read(self.path(from)).expect("a file")).expect("JSON");
        change(&mut value);
        std::fs::write(self.path(to), value.to_string()).expect("written");
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

const PROVE: &str = "prove --model @model --key @key --inputs @inputs --chain-id cairn-1 --job 7 --prover";

#[test]
fn a_ceremony_leads_to_a_proof_that_anybody_checks() {
    let desk = Desk::new();
    desk.does("ceremony practice-powers --power 11 --out @powers");
    desk.does("ceremony start --model @model --powers @powers --out @ceremony");
    for name in ["Ada", "Blaise", "Carl"] {
        let told = desk.does(&format!("ceremony contribute --model @model --name {name} --entropy dice @ceremony"));
        assert!(told.contains("after"), "{told}");
    }
    desk.refuses("ceremony key --model @model --powers @powers --key @key --record @record @ceremony", "is not closed");
    desk.refuses("ceremony key --model @model --powers @powers --key @inputs --record @record @ceremony", "is there already");
    let value = "ab".repeat(32);
    desk.does(&format!("ceremony close --model @model --name block --value {value} --rounds 3 @ceremony"));
    desk.refuses("ceremony contribute --model @model --name Dora --entropy x @ceremony", "nothing can be added");
    // `key` verifies as `ceremony verify` does, and shows the same.
    let told = desk.does("ceremony key --model @model --powers @powers --key @key --record @record @ceremony");
    assert!(told.contains("every contribution holds; a ceremony of 3 contributors") && told.contains("Blaise"), "{told}");

    let told = desk.does(&format!("{PROVE} {PROVER} --out @proof --opening @opening"));
    // 5*10 + 3*20 + 1 = 111 >> 2 = 27; 70 - 40 + 2 = 32 >> 2 = 8; -80 - 20 + 3 < 0. 27 + 16 = 43 against 108 - 40 - 9 = 59.
    assert!(told.contains("run 0: class 1"), "{told}");
    assert_eq!((mode(&desk.path("opening")), mode(&desk.path("proof"))), (0o600, 0o644));
    let told = desk.does("verify @proof --record @record --opening @opening");
    assert!(told.contains("the proof holds") && told.contains("a ceremony of 3 contributors"), "{told}");

    for (field, value) in
        [("job", serde_json::json!(8)), ("chain_id", "cairn-2".into()), ("nonce", 1.into()), ("program", "00".repeat(32).into())]
    {
        desk.change("proof", "changed", |proof| proof[field] = value);
        desk.refuses("verify @changed --record @record", "the proof is refused");
    }
    desk.change("opening", "changed", |opening| opening["runs"][0]["class"] = 0.into());
    desk.refuses("verify @proof --record @record --opening @changed", "another answer");
    desk.change("record", "changed", |record| record["circuit"] = "00".repeat(32).into());
    desk.refuses("verify @proof --record @changed", "the record names itself");
}

#[test]
fn a_key_made_alone_says_so_and_proves() {
    let desk = Desk::new();
    let told = desk.does("ceremony alone --model @model --weights committed --key @key --record @record");
    assert!(told.contains("made by one party alone"), "{told}");
    desk.refuses(&format!("{PROVE} {PROVER} --out @proof --opening @opening"), "of another circuit");
    desk.does(&format!("{PROVE} {PROVER} --weights committed --out @proof --opening @opening"));
    desk.does("verify @proof --record @record --opening @opening");
    desk.refuses(&format!("{PROVE} nobody --weights committed --out @p --opening @o"), "--prover");
    std::fs::write(desk.path("inputs"), "[[1, 2], [3, 4]]").expect("written");
    desk.refuses(&format!("{PROVE} {PROVER} --weights committed --out @p --opening @o"), "has 2 inputs");
    desk.does("ceremony alone --test --model @model --key @test-key --record @test-record");
    assert!(desk.does("ceremony alone --test --model @model --key @again --record @again-record").contains("a test key"));
    assert_eq!(std::fs::read(desk.path("test-record")).ok(), std::fs::read(desk.path("again-record")).ok(), "from a written seed");
    desk.refuses("ceremony start --model @inputs --powers @model --out @c", "is no model");
}

#[test]
fn a_sealed_model_keeps_its_weights_and_proves_that_there_are_some() {
    let desk = Desk::new();
    std::fs::rename(desk.path("model"), desk.path("net.safetensors")).expect("renamed");
    desk.does("ceremony alone --test --model @net.safetensors --weights registration --key @key --record @record");
    let seal = |owner: &str, out: &str| {
        format!("models seal @net.safetensors --key @key --chain-id cairn-1 --owner {owner} --out @{out}.safetensors --seal @{out}.json")
    };
    desk.refuses(&seal("nobody", "public"), "--owner");
    let told: serde_json::Value = serde_json::from_str(&desk.does(&seal(PROVER, "public"))).expect("JSON");
    assert_eq!(mode(&desk.path("net.salt")), 0o600);
    desk.refuses(&seal(PROVER, "public"), "is there already");
    let again: serde_json::Value = serde_json::from_str(&desk.does(&seal(PROVER, "again"))).expect("JSON");
    assert_eq!(told["program"], again["program"], "the salt is kept");
    let inspected: serde_json::Value = serde_json::from_str(&desk.does("models inspect @public.safetensors")).expect("JSON");
    assert_eq!((&inspected["program"], inspected["nodes"].as_u64()), (&told["program"], Some(1)));

    let read = |name: &str| std::fs::read(desk.path(name)).expect("a file");
    let seal: SealFile = serde_json::from_slice(&read("public.json")).expect("a seal");
    let record = serde_json::from_slice::<RecordFile>(&read("record")).expect("JSON").record().expect("a record");
    let bytes = |text: &str| hex::decode(text).expect("hexadecimal");
    let statement = |chain: &str| {
        let context = Context {
            chain: chain32(chain),
            job: 0,
            prover: Address::parse(PROVER).expect("an address").as_bytes().to_vec(),
            program: bytes(told["program"].as_str().expect("text")).try_into().expect("an id"),
            nonce: 0,
        };
        let weights = Some(Element::decode(&bytes(&seal.weights)).expect("an element"));
        Statement { context, weights, runs: vec![] }.input().expect("a statement")
    };
    let (key, proof) = (PreparedKey::new(&record.key), bytes(&seal.proof));
    assert_eq!(key.verify(&Claim { inputs: vec![statement("cairn-1")], proof: &proof }), Ok(()));
    assert!(key.verify(&Claim { inputs: vec![statement("cairn-2")], proof: &proof }).is_err());
}
