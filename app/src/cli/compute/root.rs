//! `cairnd compute seal-root` and `open-root`: the root of a trace, of a redundant job or of an audit, by hand.
use std::path::Path;

use anyhow::{Context, Result, bail};
use cairn_compute::{audit_commitment, result_commitment};
use cairn_kernel::Address;
use cairn_proto::{
    Any,
    cairn::compute::v1::{
        Audit, AuditState, Job, JobState, MsgCommitAudit, MsgCommitResult, MsgRevealAudit, MsgRevealAuditResponse, MsgRevealResult,
        QueryAuditRequest, QueryAuditResponse,
    },
    pack,
};
use prost::Message;
use serde::Deserialize;
use serde_json::json;

use super::{
    Hash,
    opening::{Opening, Place},
    send::{read, told},
    show::ask_job,
};
use crate::cli::{
    home::Home,
    job::Sender,
    output::Output,
    rpc::Rpc,
    sign::{Signer, answers},
};

/// What a root is sealed for, and how that stands on the chain.
#[derive(Debug, Clone, PartialEq)]
enum Duty {
    /// A redundant job: what was sealed, and whether it is to be opened now.
    Result { sealed: Vec<u8>, opens: bool },
    /// An audit.
    Audit { sealed: Vec<u8>, opens: bool },
}

impl Duty {
    /// What an account owes for a job; `audit` is asked where the job is not redundant.
    fn of(job: &Job, account: &str, audit: impl FnOnce() -> Result<Audit>) -> Result<Self> {
        if job.redundancy > 0 {
            let own = job.members.iter().find(|member| member.provider == account);
            let own = own.with_context(|| format!("{account} has not taken job {}", job.id))?;
            let opens = job.state() == JobState::Reveal && own.root.is_empty();
            return Ok(Self::Result { sealed: own.commitment.clone(), opens });
        }
        let audit = audit()?;
        if audit.auditor != account {
            bail!("the result of job {} is audited by {:?}, not by {account}", job.id, audit.auditor);
        }
        Ok(Self::Audit { opens: audit.state() == AuditState::Open, sealed: audit.commitment })
    }
    fn sealed(&self) -> &[u8] {
        match self {
            Self::Result { sealed, .. } | Self::Audit { sealed, .. } => sealed,
        }
    }
    /// The command that tells where it stands.
    fn shown_by(&self) -> &'static str {
        match self {
            Self::Result { .. } => "cairnd compute job",
            Self::Audit { .. } => "cairnd query compute audit",
        }
    }
    fn opens(&self) -> bool {
        match self {
            Self::Result { opens, .. } | Self::Audit { opens, .. } => *opens,
        }
    }
}

/// A root of an account, and where what opens it lies.
struct Sealed {
    place: Place,
    chain_id: String,
    account: Address,
    job: u64,
    duty: Duty,
}

impl Sealed {
    fn new(home: &Home, chain_id: String, account: Address, job: u64, duty: Duty) -> Self {
        let kind = match duty {
            Duty::Result { .. } => "result",
            Duty::Audit { .. } => "audit",
        };
        let place = Place::new(home, &format!("{chain_id}-{kind}-{job}-{account}"));
        Self { place, chain_id, account, job, duty }
    }
    fn ask(rpc: &Rpc, home: &Home, account: Address, job: u64) -> Result<Self> {
        let duty = Duty::of(&ask_job(rpc, job)?, &account.to_string(), || {
            let answer: QueryAuditResponse = rpc.ask("/cairn.compute.v1.Query/Audit", &QueryAuditRequest { job_id: job })?;
            answer.audit.context("the audit is empty")
        })?;
        Ok(Self::new(home, rpc.chain_id()?, account, job, duty))
    }
    fn commitment(&self, opening: &Opening) -> Result<Vec<u8>> {
        let (root, salt) = (root(opening)?, opening.salt()?);
        let of = match self.duty {
            Duty::Result { .. } => result_commitment,
            Duty::Audit { .. } => audit_commitment,
        };
        Ok(of(&self.chain_id, self.job, &self.account, &root, &salt).to_vec())
    }
    fn commit(&self, opening: &Opening) -> Result<Any> {
        let (account, job_id, commitment) = (self.account.to_string(), self.job, self.commitment(opening)?);
        Ok(match self.duty {
            Duty::Result { .. } => pack(&MsgCommitResult { provider: account, job_id, commitment }),
            Duty::Audit { .. } => pack(&MsgCommitAudit { auditor: account, job_id, commitment }),
        })
    }
    /// The message that opens, if what is kept opens what the chain has.
    fn reveal(&self, preimages: Option<Vec<Vec<u8>>>) -> Result<Any> {
        let opening = self.place.read()?;
        if self.commitment(&opening)? != self.duty.sealed() {
            bail!("what this home keeps does not open what {} sealed for job {}", self.account, self.job);
        }
        let (account, job_id, root, salt) = (self.account.to_string(), self.job, root(&opening)?.to_vec(), opening.salt()?.to_vec());
        Ok(match (&self.duty, preimages) {
            (Duty::Result { .. }, None) => pack(&MsgRevealResult { provider: account, job_id, root, salt }),
            (Duty::Audit { .. }, Some(preimages)) => pack(&MsgRevealAudit { auditor: account, job_id, root, salt, preimages }),
            (Duty::Result { .. }, Some(_)) => bail!("a redundant job is opened without --preimages"),
            (Duty::Audit { .. }, None) => bail!("an audit is opened with --preimages, which lead from the root to the drawn chunk"),
        })
    }
}

fn root(opening: &Opening) -> Result<Hash> {
    super::parse_hash(&opening.sealed).context("the kept root is damaged")
}

/// Seals a root.
pub(super) fn seal(rpc: &Rpc, home: &Home, job: u64, root: &Hash, sender: &Sender, output: Output) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let sealed = Sealed::ask(rpc, home, key.address(), job)?;
    let (who, shows) = (sender.name(), sealed.duty.shown_by());
    let next = format!("cairnd compute open-root {job} --from {who}, when '{shows} {job}' says so");
    if !sealed.duty.sealed().is_empty() {
        bail!("a root is sealed for job {job}, and that is final; next: {next}");
    }
    let (opening, new) = sealed.place.keep(&hex::encode(root))?;
    let sent = Signer::new(rpc, &key)?.send(vec![sealed.commit(&opening)?], &options);
    let height = sealed.place.sent(sent, new)?.height;
    told(output, &json!({ "job": job, "height": height }), &next)
}

/// What leads from a root to the drawn chunk, as a file holds it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpotFile {
    preimages: Vec<String>,
}

impl SpotFile {
    fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
        let file: Self = serde_json::from_slice(&read(path)?).context(r#"preimages are JSON such as {"preimages": ["00ff.."]}"#)?;
        file.preimages.iter().map(|text| hex::decode(text).context("preimages hold what is not hexadecimal")).collect()
    }
}

/// Opens the root that this home sealed.
pub(super) fn open(rpc: &Rpc, home: &Home, job: u64, preimages: Option<&Path>, sender: &Sender, output: Output) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let sealed = Sealed::ask(rpc, home, key.address(), job)?;
    if sealed.duty.sealed().is_empty() {
        bail!("nothing is sealed for job {job}: 'cairnd compute seal-root' does");
    }
    if !sealed.duty.opens() {
        bail!("job {job} takes no opening of yours now: '{} {job}' tells where it stands", sealed.duty.shown_by());
    }
    let message = sealed.reveal(preimages.map(SpotFile::read).transpose()?)?;
    let done = Signer::new(rpc, &key)?.send(vec![message], &options)?;
    sealed.place.forget()?;
    let answer = answers(&done)?.into_iter().next().context("the transaction answers nothing")?;
    let case = match sealed.duty {
        Duty::Result { .. } => 0,
        Duty::Audit { .. } => MsgRevealAuditResponse::decode(&*answer.value).context("the transaction's answer is damaged")?.case_id,
    };
    let next = match (&sealed.duty, case) {
        (Duty::Result { .. }, _) => {
            format!("cairnd compute submit {job} --claim FILE --from {}, where most found your root", sender.name())
        }
        (Duty::Audit { .. }, 0) => String::new(),
        (Duty::Audit { .. }, case) => format!("your root contests the result: cairnd dispute show {case}; move for it in time"),
    };
    told(output, &json!({ "job": job, "height": done.height, "case": case }), &next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_proto::cairn::compute::v1::Member;

    const SALTED: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

    fn account() -> Address {
        Address::new(&[1; 20]).unwrap()
    }

    fn sealed(home: &Home, duty: Duty) -> Sealed {
        Sealed::new(home, "cairn-test-1".into(), account(), 4, duty)
    }

    #[test]
    fn what_is_kept_opens_what_was_sealed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let duties: [fn(Vec<u8>) -> Duty; 2] =
            [|sealed| Duty::Result { sealed, opens: true }, |sealed| Duty::Audit { sealed, opens: true }];
        for (duty, of) in duties.iter().zip([result_commitment, audit_commitment]) {
            let before = sealed(&home, duty(vec![]));
            let (opening, _) = before.place.keep(SALTED).unwrap();
            let commitment = before.commitment(&opening).unwrap();
            assert_eq!(commitment, of("cairn-test-1", 4, &account(), &[11; 32], &opening.salt().unwrap()));
            let preimages = || matches!(duty(vec![]), Duty::Audit { .. }).then(|| vec![vec![7]]);
            let after = sealed(&home, duty(commitment));
            let message = after.reveal(preimages()).unwrap();
            match after.duty {
                Duty::Result { .. } => {
                    let found = MsgRevealResult::decode(&*message.value).unwrap();
                    assert_eq!((found.job_id, found.root, found.salt), (4, vec![11; 32], opening.salt().unwrap().to_vec()));
                }
                Duty::Audit { .. } => {
                    let found = MsgRevealAudit::decode(&*message.value).unwrap();
                    assert_eq!((found.job_id, found.root, found.preimages), (4, vec![11; 32], vec![vec![7]]));
                }
            }
            let other = if preimages().is_some() { None } else { Some(vec![]) };
            assert!(after.reveal(other).unwrap_err().to_string().contains("--preimages"));
            assert!(sealed(&home, duty(vec![0; 32])).reveal(preimages()).unwrap_err().to_string().contains("does not open"));
        }
    }

    #[test]
    fn what_an_account_owes_is_told_by_the_job_or_its_audit() {
        let none = || bail!("no audit");
        let member = Member { provider: account().to_string(), commitment: vec![5; 32], root: vec![] };
        let mut job = Job { id: 4, redundancy: 2, members: vec![member], ..Job::default() };
        job.set_state(JobState::Commit);
        let me = account().to_string();
        assert_eq!(Duty::of(&job, &me, none).unwrap(), Duty::Result { sealed: vec![5; 32], opens: false });
        job.set_state(JobState::Reveal);
        assert!(Duty::of(&job, &me, none).unwrap().opens());
        job.members[0].root = vec![6; 32];
        assert!(!Duty::of(&job, &me, none).unwrap().opens(), "opened before");
        assert!(Duty::of(&job, "another", none).unwrap_err().to_string().contains("has not taken"));

        let job = Job { id: 4, ..Job::default() };
        assert!(Duty::of(&job, &me, none).is_err());
        let mut audit = Audit { auditor: me.clone(), commitment: vec![5; 32], ..Audit::default() };
        audit.set_state(AuditState::Spot);
        assert_eq!(Duty::of(&job, &me, || Ok(audit.clone())).unwrap(), Duty::Audit { sealed: vec![5; 32], opens: false });
        audit.set_state(AuditState::Open);
        assert!(Duty::of(&job, &me, || Ok(audit.clone())).unwrap().opens());
        assert!(Duty::of(&job, "another", || Ok(audit.clone())).is_err());
    }

    #[test]
    fn preimages_are_hexadecimal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spot");
        for (text, found) in [
            (r#"{"preimages": ["00ff", ""]}"#, Some(vec![vec![0, 255], vec![]])),
            (r#"{"preimages": ["0"]}"#, None),
            (r#"{"preimages": [], "more": 1}"#, None),
            ("[]", None),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(SpotFile::read(&path).ok(), found, "{text}");
        }
    }
}
