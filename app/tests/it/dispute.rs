//! Disputes from end to end by signed transactions: a decision, a complaint with its bond, a drawn jury that votes, and the verdict carried out.
mod scenes;

use std::collections::BTreeMap;

use bytes::Bytes;
use cairn_annotation::formats::{self, Buckets, GoldTree};
use cairn_app::{Genesis, api::Chain};
use cairn_dispute::{Case, CaseState, Choice, Statement, vote_commitment};
use cairn_kernel::Address;
use cairn_proto::{
    Any,
    cairn::{
        annotation::v1::{
            AppealSubject, ItemKind, JobState, JobStatus, JobType, Label, Lease, LeaseState, MsgAppealDecision, MsgClaimTasks,
            MsgCommitLabels, MsgOpenGold, MsgPostJob, MsgRevealLabels, Publication, QueryClaimRequest, QueryClaimResponse,
            QueryEarningsRequest, QueryEarningsResponse, QueryJobRequest, QueryJobResponse, QueryLeasesRequest, QueryLeasesResponse,
            Visibility,
        },
        asset::v1::{AssetKind, Encryption, MsgRegisterAsset, VersionContent},
        dispute::v1::{MsgAppealVerdict, MsgCommitVote, MsgJoinJury, MsgRevealVote, Outcome, QueryCaseRequest, QueryCaseResponse},
        licensing::v1::{
            LegalText, LicenseStatus, MsgBuyLicense, MsgOfferTerms, MsgRequestRevocation, Pricing, QueryLicenseRequest,
            QueryLicenseResponse, QueryTermsByAssetRequest, QueryTermsByAssetResponse, Scope, TermsContent,
        },
    },
    pack,
};
use serde_json::json;

use crate::support::*;
pub(crate) use scenes::scenes;

const TASKS: u32 = 100;
const BUCKET: u32 = 10;
const OVERLAP: u32 = 3;
const CLASSES: u16 = 4;
const PRICE: u128 = 10_000;
/// The requester, or owner, is wallet 0; workers and jurors follow.
const WORKERS: std::ops::Range<usize> = 1..7;
const JURORS: std::ops::Range<usize> = 7..25;
/// Transactions a block: their gas fits into it.
const A_BLOCK: usize = 6;
/// What each transaction pays.
const FEE: u128 = 3_000;
/// The skill of the job, in which jurors have their standing.
const SKILL: &str = "classify";

fn wallets() -> Vec<Wallet> {
    (1..).zip((0..JURORS.end).map(|n| Wallet::new(100 + u8::try_from(n).unwrap()))).map(|(number, w)| Wallet { number, ..w }).collect()
}

/// Jurors have settled 200 labels with a mean kappa of 1/2 before.
fn genesis() -> Genesis {
    let wallets = wallets();
    let account = |w: &Wallet| json!({ "@type": "/cosmos.auth.v1beta1.BaseAccount", "address": w.address.to_string() });
    let standing = |w: &Wallet| {
        json!({ "address": w.address.to_string(), "skill": SKILL, "settled_labels": "200", "settled_jobs": "1",
                "labels_ppm": "200000000", "kappa_labels_ppm": "100000000" })
    };
    let mut state = app_state();
    state["auth"]["accounts"] = wallets.iter().map(account).collect();
    state["bank"]["balances"] = balances(&wallets, 1).into();
    let standings: Vec<_> = JURORS.map(|n| standing(&wallets[n])).collect();
    state["annotation"] = json!({ "standings": standings });
    Genesis { app_state: state.to_string().into_bytes(), ..crate::support::genesis() }
}

/// The class of a task.
fn truth(task: u32) -> u16 {
    u16::try_from(task.wrapping_mul(2_654_435_761) >> 16 & 3).unwrap()
}

/// A chain with people who send transactions.
struct Town {
    net: Net,
    wallets: Vec<Wallet>,
    /// Transactions of the next block, and whether they must succeed.
    waiting: Vec<(Bytes, bool)>,
}

impl Town {
    fn new() -> Self {
        Self { net: Net::with(&genesis()), wallets: wallets(), waiting: vec![] }
    }
    fn address(&self, n: usize) -> Address {
        self.wallets[n].address
    }
    /// Puts a transaction of wallet `n` into the next block.
    fn send(&mut self, n: usize, message: Any) {
        self.queue(n, message, true);
    }
    /// As [`Town::send`], but the chain may refuse it.
    fn hope(&mut self, n: usize, message: Any) {
        self.queue(n, message, false);
    }
    fn queue(&mut self, n: usize, message: Any, must: bool) {
        let wallet = &mut self.wallets[n];
        let mut draft = Draft::of(vec![message]).gas(3_000_000);
        draft.fee.amount = vec![coin(FEE)];
        self.waiting.push((draft.sign(&[wallet]), must));
        wallet.sequence += 1;
    }
    /// Runs a block of what waits, six transactions at most.
    fn block(&mut self) {
        let rest = self.waiting.split_off(self.waiting.len().min(A_BLOCK));
        let (txs, musts): (Vec<_>, Vec<_>) = std::mem::replace(&mut self.waiting, rest).into_iter().unzip();
        for (outcome, must) in self.net.run(txs).iter().zip(musts) {
            assert!(!must || outcome.code() == 0, "{:?}", outcome.result);
        }
    }
    fn height(&self) -> u64 {
        self.net.app.height()
    }
    /// Runs blocks until nothing waits.
    fn flush(&mut self) {
        while !self.waiting.is_empty() {
            self.block();
        }
    }
    /// Runs blocks until `done`.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let last = self.height() + 1_000;
        while !done(self) {
            assert!(self.height() < last, "it never came");
            self.block();
        }
    }
    fn job(&self) -> JobStatus {
        let found: QueryJobResponse = self.net.ask("/cairn.annotation.v1.Query/Job", &QueryJobRequest { job: 1 });
        found.status.unwrap()
    }
    /// What worker `n` could withdraw.
    fn earnings(&self, n: usize) -> u128 {
        let query = QueryEarningsRequest { account: self.address(n).to_string() };
        let found: QueryEarningsResponse = self.net.ask("/cairn.annotation.v1.Query/Earnings", &query);
        found.claimable.iter().filter(|c| c.denom == "ucairn").map(|c| c.amount.parse::<u128>().unwrap()).sum()
    }
    fn leases(&self, n: usize, state: LeaseState) -> Vec<(Lease, Vec<u32>)> {
        let annotator = self.address(n).to_string();
        let query = QueryLeasesRequest { annotator, job: 1, state: state.into(), ..QueryLeasesRequest::default() };
        let found: QueryLeasesResponse = self.net.ask("/cairn.annotation.v1.Query/Leases", &query);
        found.leases.into_iter().map(|entry| (entry.lease.unwrap(), entry.tasks)).collect()
    }
}

/// The requester's gold: one task of each bucket.
struct Gold {
    seed: [u8; 32],
    truths: BTreeMap<u32, u16>,
    tree: GoldTree,
}

impl Gold {
    fn new() -> Self {
        let buckets = Buckets::new(TASKS, BUCKET).unwrap();
        let first = |bucket| buckets.tasks(bucket).next().unwrap();
        let truths: BTreeMap<_, _> = (0..buckets.count()).map(first).map(|task| (task, truth(task))).collect();
        let seed = [5; 32];
        let tree = GoldTree::new(CHAIN_ID, &[3; 32], &seed, TASKS, &truths);
        Self { seed, truths, tree }
    }
    fn post(&self, requester: &Address) -> MsgPostJob {
        MsgPostJob {
            requester: requester.to_string(),
            title: "Digits".into(),
            description: "Which digit is it?".into(),
            r#type: JobType::Classify.into(),
            item_kind: ItemKind::Image.into(),
            visibility: Visibility::Private.into(),
            classes: (0..CLASSES).map(|class| format!("class {class}")).collect(),
            manifest_root: vec![3; 32],
            tasks: TASKS,
            bytes: 1_000,
            media_type: "image/png".into(),
            content_addresses: vec!["https://gateway.example/".into()],
            price: Some(coin(PRICE)),
            overlap_min: OVERLAP,
            overlap_max: OVERLAP,
            bucket_size: BUCKET,
            gold_per_bucket: 1,
            gold_root: self.tree.root().to_vec(),
            kappa_target_bps: 6_000,
            gate_bits: -2,
            publication: Some(Publication { publish: true, requester_bps: 7_000 }),
            duration: 2_000,
            ..MsgPostJob::default()
        }
    }
    fn open(&self, sender: &Address) -> MsgOpenGold {
        MsgOpenGold {
            sender: sender.to_string(),
            job: 1,
            seed: self.seed.to_vec(),
            chunk: 0,
            truths: self.truths.iter().map(|(task, class)| Label { task: *task, class: (*class).into(), ..Label::default() }).collect(),
            path: self.tree.path(0).unwrap().into_iter().map(|hash| hash.to_vec()).collect(),
        }
    }
}

/// What worker `n` answers: the last one is right in a part of its tasks only.
fn labels(n: usize, tasks: &[u32]) -> Vec<(u32, u16)> {
    let wrong = |task: u32| n + 1 == WORKERS.end && task % 5 < 2;
    tasks.iter().map(|task| (*task, (truth(*task) + u16::from(wrong(*task))) % CLASSES)).collect()
}

fn salt(lease: &Lease) -> [u8; 32] {
    let mut salt = [9; 32];
    salt[..8].copy_from_slice(&lease.id.to_be_bytes());
    salt
}

impl Town {
    /// What worker `n` does in a block: claims, commits, reveals.
    fn work(&mut self, n: usize) {
        let (annotator, height) = (self.address(n).to_string(), self.height() + 1);
        for (lease, tasks) in self.leases(n, LeaseState::Committed) {
            if lease.reveal_from > 0 && height >= lease.reveal_from {
                let labels =
                    labels(n, &tasks).into_iter().map(|(task, class)| Label { task, class: class.into(), ..Label::default() }).collect();
                let message = MsgRevealLabels { sender: annotator.clone(), lease: lease.id, salt: salt(&lease).to_vec(), labels };
                self.send(n, pack(&message));
            }
        }
        let live = self.leases(n, LeaseState::Live);
        for (lease, tasks) in &live {
            let payloads: Vec<_> = labels(n, tasks).into_iter().map(|(task, class)| (task, formats::class_payload(class))).collect();
            let made = formats::label_commitment(CHAIN_ID, 1, lease.id, &self.address(n), &salt(lease), &payloads).unwrap();
            let commitment = made.to_vec();
            let message = MsgCommitLabels { annotator: annotator.clone(), lease: lease.id, commitment, ..MsgCommitLabels::default() };
            self.send(n, pack(&message));
        }
        let query = QueryClaimRequest { job: 1, annotator: annotator.clone() };
        let claim: QueryClaimResponse = self.net.ask("/cairn.annotation.v1.Query/Claim", &query);
        if self.job().state() == JobState::Open && live.is_empty() && claim.claim.is_none() {
            self.hope(n, pack(&MsgClaimTasks { annotator, job: 1, buckets: 1, nonce: height, lent_bond: false }));
        }
    }
    /// A job that is labelled, and whose gold is opened.
    fn label(&mut self) {
        let (gold, requester) = (Gold::new(), self.address(0));
        self.send(0, pack(&gold.post(&requester)));
        self.block();
        while matches!(self.job().state(), JobState::Open | JobState::Revealing) {
            WORKERS.for_each(|n| self.work(n));
            self.flush();
            self.block();
            assert!(self.height() < 3_000, "{:?}", self.job());
        }
        self.send(0, pack(&gold.open(&requester)));
        self.block();
    }
}

impl Town {
    /// Wallet 0 sells wallet 1 a licence on a data set.
    fn sell(&mut self) {
        let (owner, buyer) = (self.address(0).to_string(), self.address(1).to_string());
        let version = VersionContent {
            manifest_root: vec![7; 32],
            items: 10,
            media_type: "image/png".into(),
            encryption: Encryption::None.into(),
            ..VersionContent::default()
        };
        let (kind, title) = (AssetKind::Dataset.into(), "Digits".into());
        self.send(0, pack(&MsgRegisterAsset { owner: owner.clone(), kind, title, version: Some(version), ..MsgRegisterAsset::default() }));
        let content = TermsContent {
            asset_id: 1,
            title: "research".into(),
            scope: Some(Scope { train: true, ..Scope::default() }),
            pricing: Pricing::OneOff.into(),
            prices: vec![coin(1_000_000)],
            seats: 1,
            legal_text: Some(LegalText { uri: "https://example.org/licence".into(), sha256: vec![5; 32] }),
            ..TermsContent::default()
        };
        self.send(0, pack(&MsgOfferTerms { owner, content: Some(content) }));
        self.block();
        let query = QueryTermsByAssetRequest { asset_id: 1, ..QueryTermsByAssetRequest::default() };
        let found: QueryTermsByAssetResponse = self.net.ask("/cairn.licensing.v1.Query/TermsByAsset", &query);
        let (terms_id, payment) = (found.terms[0].id.clone(), Some(coin(1_000_000)));
        self.send(1, pack(&MsgBuyLicense { buyer, terms_id, payment, ..MsgBuyLicense::default() }));
        self.block();
    }
}

/// A juror's salt: its own, and new in each round.
fn vote_salt(juror: &Address, round: u32) -> [u8; 32] {
    let mut salt = [7; 32];
    salt[..20].copy_from_slice(juror.as_bytes());
    salt[28..].copy_from_slice(&round.to_be_bytes());
    salt
}

impl Town {
    fn case(&self) -> QueryCaseResponse {
        self.net.ask("/cairn.dispute.v1.Query/Case", &QueryCaseRequest { case_id: 1 })
    }
    fn state(&self) -> CaseState {
        self.case().case.unwrap().state()
    }
    fn all_join(&mut self, skill: &str) {
        for n in JURORS {
            let juror = self.address(n).to_string();
            self.send(n, pack(&MsgJoinJury { juror, skill: skill.into() }));
        }
        self.flush();
    }
    /// The wallets with a seat in the running round.
    fn jury(&self) -> (u32, Vec<usize>) {
        let found = self.case();
        let round = found.case.unwrap().rounds.last().unwrap().number;
        let seated = |n: &usize| found.seats.iter().any(|seat| seat.round == round && seat.juror == self.address(*n).to_string());
        (round, JURORS.filter(seated).collect())
    }
    /// Lets the jury of case 1 vote, all for `choice`, and the round end. Gives who voted.
    fn vote(&mut self, choice: Choice) -> Vec<usize> {
        self.flush();
        self.until(|town| town.state() == CaseState::Commit);
        let (round, jury) = self.jury();
        for n in &jury {
            let juror = self.address(*n);
            let commitment = vote_commitment(CHAIN_ID, 1, round, &juror, choice, &vote_salt(&juror, round)).to_vec();
            self.send(*n, pack(&MsgCommitVote { juror: juror.to_string(), case_id: 1, commitment }));
        }
        self.until(|town| town.state() == CaseState::Reveal);
        for n in &jury {
            let juror = self.address(*n);
            let salt = vote_salt(&juror, round).to_vec();
            self.send(*n, pack(&MsgRevealVote { juror: juror.to_string(), case_id: 1, choice: choice.into(), salt }));
        }
        self.until(|town| town.state() != CaseState::Reveal);
        jury
    }
    fn closed(&mut self) -> Case {
        self.until(|town| town.state() == CaseState::Closed);
        let case = self.case().case.unwrap();
        assert!(!case.undelivered && case.failures == 0);
        case
    }
    /// What a wallet gained since it held `before`, but for the fees of transactions.
    fn income(&self, n: usize, before: u128) -> i128 {
        let spent = u128::from(self.wallets[n].sequence) * FEE;
        i128::try_from(self.net.balance(&self.address(n)) + spent).unwrap() - i128::try_from(before).unwrap()
    }
}

fn statement() -> Option<Statement> {
    Some(Statement { uri: "https://example.org/why".into(), sha256: vec![6; 32] })
}

#[test]
fn a_worker_appeals_its_pay_and_a_jury_gives_it_back() {
    let mut town = Town::new();
    town.all_join(SKILL);
    town.label();
    let worker = WORKERS.end - 1;
    town.until(|town| town.job().state() == JobState::Appeal);
    let paid = town.earnings(worker);
    let appellant = town.address(worker).to_string();
    let message = MsgAppealDecision { appellant, job: 1, subject: AppealSubject::Worker.into(), ..MsgAppealDecision::default() };
    town.send(worker, pack(&message));
    let jury = town.vote(Choice::Overturn);
    assert_eq!(jury.len(), 5);
    assert_eq!(town.closed().outcome(), Outcome::Overturned);
    town.until(|town| town.job().state() == JobState::Closed);
    println!("the worker was paid {paid} ucairn, and {} after its appeal", town.earnings(worker));
    assert!(town.earnings(worker) > paid, "what was withheld is paid");
    for n in jury {
        assert_eq!(town.income(n, FUNDS), 100_000 - 10_000_000, "the fee, and the bond stays");
    }
}

#[test]
fn a_jury_revokes_a_licence_after_its_holder_appealed_in_vain() {
    let mut town = Town::new();
    town.all_join("");
    town.sell();
    let owner = town.address(0).to_string();
    town.send(0, pack(&MsgRequestRevocation { owner, license_id: 1, statement: statement() }));
    let first = town.vote(Choice::Overturn);
    let licensee = town.address(1).to_string();
    assert_eq!(town.state(), CaseState::Appeal);
    town.send(1, pack(&MsgAppealVerdict { appellant: licensee, case_id: 1, statement: statement() }));
    let second = town.vote(Choice::Overturn);
    assert_eq!((first.len(), second.len()), (5, 11));
    assert!(second.iter().all(|n| !first.contains(n)));
    assert_eq!(town.closed().outcome(), Outcome::Overturned);
    let license: QueryLicenseResponse = town.net.ask("/cairn.licensing.v1.Query/License", &QueryLicenseRequest { license_id: 1 });
    assert_eq!(license.license.unwrap().status(), LicenseStatus::Revoked);
    // 1.6 CAIRN in fees: the licensee's bond of 1, what the sale of the licence brought to the pool, and the owner's bond of 0.5.
    for n in first.into_iter().chain(second) {
        assert_eq!(town.income(n, FUNDS), 94_000 - 10_000_000);
    }
}
