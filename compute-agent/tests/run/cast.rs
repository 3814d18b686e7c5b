//! Agents that act in turn, one of which is killed at some call and started again.
use std::{path::Path, rc::Rc, sync::Arc};

use cairn_agent::{
    liar::Liar,
    run::{Agent, Settings, Vault},
};
use cairn_device::{Executor, open};
use tempfile::TempDir;

use crate::{place::Shared, seat::Seat};

/// Rounds after which a test has failed.
const ROUNDS: usize = 200;

/// An agent to be.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) who: usize,
    /// The node about which its device lies.
    pub(crate) lies: Option<usize>,
    pub(crate) settings: Settings,
    /// Settings with which it is started again after it was killed.
    pub(crate) again: Settings,
    /// What is put into its folder at first.
    pub(crate) kit: Rc<dyn Fn(&Path)>,
}

impl Part {
    pub(crate) fn honest(who: usize) -> Self {
        Self { who, lies: None, settings: Settings::default(), again: Settings::default(), kit: Rc::new(|_| ()) }
    }
    pub(crate) fn liar(who: usize, node: usize) -> Self {
        Self { lies: Some(node), ..Self::honest(who) }
    }
    pub(crate) fn with(self, settings: Settings) -> Self {
        Self { again: settings.clone(), settings, ..self }
    }
    pub(crate) fn equipped(self, kit: &Rc<dyn Fn(&Path)>) -> Self {
        Self { kit: Rc::clone(kit), ..self }
    }
    pub(crate) fn start(&self, place: &Shared, settings: &Settings, kill: usize, folder: &Path) -> Agent<Seat> {
        let honest = open("reference").expect("a device");
        let device: Arc<dyn Executor> = match self.lies {
            None => Arc::from(honest),
            Some(node) => Arc::new(Liar::new(honest, node)),
        };
        let seat = Seat { place: Rc::clone(place), who: self.who, made: 0, sent: Vec::new(), kill };
        let vault = Vault::open(&folder.join("keys"), &folder.join("private")).expect("a vault");
        Agent::open(seat, device, settings.clone(), vault, folder).expect("an agent").patient()
    }
}

/// What an agent did at a height.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    first: usize,
    calls: usize,
    /// The calls by which messages were sent.
    sent: Vec<usize>,
}

/// Lets agents act in turn, with a block after each round, until all jobs are closed. The first one is killed at its call number `kill`, if it comes so far,
/// and started again in the next round. Gives what it did until then.
pub(crate) fn play(place: &Shared, cast: &[Part], kill: usize) -> Vec<Step> {
    let folders: Vec<TempDir> = cast.iter().map(|_| tempfile::tempdir().expect("a folder")).collect();
    cast.iter().zip(&folders).for_each(|(part, folder)| (part.kit)(folder.path()));
    let begin = |n: usize, kill| cast[n].start(place, &cast[n].settings, kill, folders[n].path());
    let mut agents: Vec<Agent<Seat>> = (0..cast.len()).map(|n| begin(n, if n == 0 { kill } else { usize::MAX })).collect();
    let (mut steps, mut alive) = (Vec::new(), true);
    for _ in 0..ROUNDS {
        if place.borrow().is_quiet() {
            return steps;
        }
        for n in 0..agents.len() {
            let (first, before) = (agents[n].world().made, agents[n].world().sent.len());
            agents[n].step().expect("the disk");
            let (calls, sent) = (agents[n].world().made - first, agents[n].world().sent[before..].to_vec());
            if n == 0 && alive {
                steps.push(Step { first, calls, sent });
            }
            if agents[n].world().is_dead() {
                alive = false;
                drop(agents.remove(n));
                agents.insert(n, cast[n].start(place, &cast[n].again, usize::MAX, folders[n].path()));
            }
        }
        place.borrow_mut().block();
    }
    panic!("it never ended: {:?}", place.borrow().job(1));
}

/// The calls at which an agent is to be killed: each one at heights at which it sends something. At another height nothing is changed by it but what it
/// remembers, and one call stands for all.
pub(crate) fn kills(steps: &[Step]) -> Vec<usize> {
    steps.iter().flat_map(|step| step.first..step.first + if step.sent.is_empty() { 1 } else { step.calls }).collect()
}

/// Messages that were sent.
pub(crate) fn sent(steps: &[Step]) -> usize {
    steps.iter().map(|step| step.sent.len()).sum()
}

/// The call at which an agent is killed right after its first message is in a block.
pub(crate) fn first_sent(steps: &[Step]) -> usize {
    steps.iter().flat_map(|step| step.sent.first().copied()).next().expect("a message")
}
