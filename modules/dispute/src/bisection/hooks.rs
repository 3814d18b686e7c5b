//! What higher modules give to the game: referees, which know the programs and carry the result out, and circuits, which check proofs.
use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Result};
use cairn_program::Program;
use cairn_proto::cairn::dispute::v1::{Fate, Subject};

use crate::Error;

/// How a contest ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Number of the case.
    pub case: u64,
    /// What it was about.
    pub subject: Subject,
    /// What became of the committed result; never [`Fate::Unspecified`].
    pub committed: Fate,
    /// The root that is left, if any: the committed one where that stands.
    pub winner: Option<[u8; 32]>,
    /// Who stands behind a rival that won, without those who sent a malformed leaf, in the order in which they came. Empty where the committed
    /// result stands or nobody won.
    pub finders: Vec<Address>,
    /// Whether the provider sent a malformed leaf: its bond is lost whatever became of its result.
    pub provider_struck: bool,
}

/// A module whose results are contested. Register with `router.hook::<Arc<dyn dispute::Referee>>(..)`.
pub trait Referee: Send + Sync {
    /// The name that its subjects bear.
    fn module(&self) -> &'static str;
    /// The program of a subject in its canonical encoding. The same bytes as long as a case about the subject is open.
    fn graph(&self, ctx: &Ctx, subject: &Subject) -> Result<Vec<u8>>;
    /// Carries the result out: pays, slashes or refunds. Called once a case, which is closed already. A refusal undoes the step; it is tried
    /// again ten blocks later, and after five failures the case is closed as undelivered. [`ending`](crate::ending) tells the same later.
    fn closed(&self, ctx: &mut Ctx, ending: &Ending) -> Result<()>;
}

/// A leaf whose operator has private weights.
#[derive(Debug, Clone)]
pub struct SealedLeaf<'a> {
    /// What the case is about.
    pub subject: &'a Subject,
    /// Number of the case.
    pub case: u64,
    /// The match within the case.
    pub match_number: u32,
    /// Who proves.
    pub mover: &'a Address,
    /// The program.
    pub program: &'a Program,
    /// The operator.
    pub node: u32,
    /// The run.
    pub run: u32,
    /// Elements of the operator's input, opened.
    pub input: &'a [i32],
    /// Elements of the operator's output as the claim has it that the leaf is for, opened.
    pub output: &'a [i32],
    /// The proof as it was sent.
    pub proof: &'a [u8],
}

/// A module that checks proofs of operators with private weights. Register with `router.hook::<Arc<dyn dispute::Circuits>>(..)`.
pub trait Circuits: Send + Sync {
    /// The name that its subjects bear.
    fn module(&self) -> &'static str;
    /// Whether the proof shows that the committed weights give `output` for `input`, under the key that the subject pinned, bound to chain, case,
    /// match and mover. Charges gas for its work. `false` makes the leaf malformed, which costs a backer its bond; an error refuses the message.
    fn sealed(&self, ctx: &mut Ctx, leaf: &SealedLeaf) -> Result<bool>;
}

/// The referee of a module.
///
/// # Errors
/// [`Error::NoReferee`].
pub(crate) fn referee(ctx: &Ctx, module: &str) -> Result<Arc<dyn Referee>> {
    let found = ctx.hooks::<Arc<dyn Referee>>().iter().find(|referee| referee.module() == module);
    Ok(found.cloned().ok_or_else(|| Error::NoReferee(module.chars().take(64).collect()))?)
}

/// Who checks proofs for a module.
///
/// # Errors
/// [`Error::NoReferee`].
pub(crate) fn circuits(ctx: &Ctx, module: &str) -> Result<Arc<dyn Circuits>> {
    let found = ctx.hooks::<Arc<dyn Circuits>>().iter().find(|circuits| circuits.module() == module);
    Ok(found.cloned().ok_or_else(|| Error::NoReferee(module.chars().take(64).collect()))?)
}
