//! Attacks on drafts and on their verification, each with what the attackers earn beside honest people of every skill.
//!
//! 300 tasks with three drafts each, five verdicts a draft, one draft in ten gold; ten producers and 20 verifiers, three in ten of them attackers.
use std::collections::{BTreeMap, BTreeSet};

use cairn_proto::cairn::annotation::v1::MsgPostJob;

use super::studio::{self, Producer, drafts, open_stage, produce_as, verdicts, verifier, verify};
use crate::tests::world::{Person, Post, World, noise, user};

/// Good drafts of 100 that honest producers make, and right verdicts of 100 of honest verifiers: from careless to careful.
const PRODUCERS: [u64; 7] = [65, 75, 85, 90, 92, 95, 98];
const VERIFIERS: [u64; 14] = [68, 73, 78, 82, 85, 87, 89, 91, 92, 93, 94, 95, 96, 97];
/// Users 2 to 8 produce honestly, 9 to 11 attack; 20 to 33 verify honestly, 34 to 39 attack.
const FIRST_VERIFIER: u8 = 20;

/// What the attackers among verifiers say.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Judges {
    /// They are honest.
    Honest,
    /// Yes, always.
    Accept,
    /// No, always.
    Reject,
    /// Yes or no at random, each for itself.
    Random,
    /// The same, one answer of all.
    Ring,
    /// Yes to what attackers produced, and honestly to the rest.
    Accomplices,
}

/// What the attackers among producers deliver.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Makers {
    /// Honest drafts.
    Honest,
    /// Drafts that are never good.
    Junk,
    /// The draft of user 8, hash for hash, who gave it to them before anybody committed.
    Copies,
}

fn five(msg: &mut MsgPostJob) {
    studio::text(msg);
    msg.verification.as_mut().unwrap().overlap = 5;
}

fn strict(msg: &mut MsgPostJob) {
    five(msg);
    msg.gate_bits = 0;
}

/// Pay a draft or a verdict, times 1,000 of its price: of honest producers, attacking ones, honest verifiers, attacking ones.
struct Pay {
    producers: f64,
    makers: f64,
    verifiers: f64,
    judges: f64,
    right: f64,
}

impl Pay {
    /// Of attackers by that of honest people.
    fn of_makers(&self) -> f64 {
        self.makers / self.producers
    }
    fn of_judges(&self) -> f64 {
        self.judges / self.verifiers
    }
}

fn mean(world: &mut World, job: u64, users: std::ops::Range<u8>) -> f64 {
    let count = f64::from(users.end - users.start);
    users.map(|n| world.pay_per_label(job, &user(n)) as f64).sum::<f64>() / count
}

fn run(makers: Makers, judges: Judges, change: fn(&mut MsgPostJob)) -> Pay {
    let mut world = World::new(39);
    world.checked = false;
    let posted = world.post(&Post { tasks: 300, duration: 4_000, change, ..studio::post() });
    let skill = if makers == Makers::Honest { 90 } else { 0 };
    let attackers: Vec<Producer> = (9..12).map(|n| Producer::new(n, skill)).collect();
    let mut producers: Vec<Producer> = (2..).zip(PRODUCERS).map(|(n, percent)| Producer::new(n, percent)).collect();
    let (victim, ring) = (Producer::new(8, PRODUCERS[6]), attackers.iter().map(|one| one.address.to_string()).collect::<BTreeSet<_>>());
    producers.extend(attackers);
    produce_as(&mut world, posted.id, &producers, |producer, tasks| {
        let copies = makers == Makers::Copies && ring.contains(&producer.address.to_string());
        if copies { victim.labels(tasks) } else { producer.labels(tasks) }
    });
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    let right = verdicts(&mut world, posted.id, &producers);
    let theirs: BTreeMap<u32, bool> =
        drafts(&mut world, posted.id).into_iter().map(|found| (found.stage_task, ring.contains(&found.annotator))).collect();
    let mut people: Vec<Person> = (FIRST_VERIFIER..).zip(VERIFIERS).map(|(n, percent)| verifier(n, percent, &right)).collect();
    for n in FIRST_VERIFIER + 14..FIRST_VERIFIER + 20 {
        let (honest, theirs) = (verifier(n, 90, &right).answer, theirs.clone());
        people.push(Person::new(user(n), move |task| match judges {
            Judges::Honest => honest(task),
            Judges::Accept => 1,
            Judges::Reject => 0,
            Judges::Random => u16::try_from(noise(500 + u64::from(n), task) % 2).unwrap(),
            Judges::Ring => u16::try_from(noise(500, task) % 2).unwrap(),
            Judges::Accomplices => {
                if theirs.get(&task) == Some(&true) {
                    1
                } else {
                    honest(task)
                }
            }
        }));
    }
    verify(&mut world, posted.id, &stage, &people);
    world.check();
    let found = drafts(&mut world, posted.id);
    let judged = found.iter().filter_map(|found| {
        let draft = found.draft.as_ref().unwrap();
        right
            .get(&found.stage_task)
            .map(|right| (draft.state() == cairn_proto::cairn::annotation::v1::DraftState::Accepted) == (*right == 1))
    });
    let judged: Vec<bool> = judged.collect();
    Pay {
        producers: mean(&mut world, posted.id, 2..9),
        makers: mean(&mut world, posted.id, 9..12),
        verifiers: mean(&mut world, stage.id, FIRST_VERIFIER..FIRST_VERIFIER + 14),
        judges: mean(&mut world, stage.id, FIRST_VERIFIER + 14..FIRST_VERIFIER + 20),
        right: judged.iter().filter(|right| **right).count() as f64 / judged.len() as f64,
    }
}

fn tell(makers: Makers, judges: Judges, bits: i32, pay: &Pay) {
    println!(
        "makers {makers:?}, judges {judges:?}, gate {bits} bits: a draft earns {:.3} of an honest one, a verdict {:.3} of an honest one; {:.1} % of \
         drafts judged rightly",
        pay.of_makers(),
        pay.of_judges(),
        pay.right * 100.0
    );
    assert!(pay.right >= 0.80, "{}", pay.right);
}

#[test]
fn verdicts_without_a_look_earn_next_to_nothing() {
    for (judges, most) in [(Judges::Accept, 0.02), (Judges::Reject, 0.02), (Judges::Random, 0.10)] {
        let pay = run(Makers::Honest, judges, five);
        tell(Makers::Honest, judges, -2, &pay);
        assert!(pay.of_judges() <= most, "{judges:?}: {}", pay.of_judges());
    }
}

#[test]
fn a_ring_of_verifiers_stays_within_its_bounds() {
    for (bits, change, most) in [(-2, five as fn(&mut MsgPostJob), 0.45), (0, strict, 0.25)] {
        let pay = run(Makers::Honest, Judges::Ring, change);
        tell(Makers::Honest, Judges::Ring, bits, &pay);
        assert!(pay.of_judges() <= most, "{}", pay.of_judges());
    }
}

/// Junk drafts earn what its makers' accomplices among verifiers can give them: where they are a majority of a draft's verifiers.
#[test]
fn junk_drafts_earn_little_even_with_accomplices() {
    let alone = run(Makers::Junk, Judges::Honest, five);
    tell(Makers::Junk, Judges::Honest, -2, &alone);
    assert!(alone.of_makers() <= 0.02, "{}", alone.of_makers());
    for (bits, change, most) in [(-2, five as fn(&mut MsgPostJob), 0.45), (0, strict, 0.25)] {
        let pay = run(Makers::Junk, Judges::Accomplices, change);
        tell(Makers::Junk, Judges::Accomplices, bits, &pay);
        assert!(pay.of_makers() <= most, "{}", pay.of_makers());
    }
}

#[test]
fn copied_drafts_earn_nothing_beside_their_makers() {
    let pay = run(Makers::Copies, Judges::Honest, five);
    tell(Makers::Copies, Judges::Honest, -2, &pay);
    assert!(pay.of_makers() <= 0.02, "{}", pay.of_makers());
}
