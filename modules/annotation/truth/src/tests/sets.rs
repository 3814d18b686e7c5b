//! Sets of labels: each label is inferred as a job of its own would be, and each worker is paid once.

use crate::{
    Basis, Error, Gold, LateOutcome, LateRound, Memory, ONE, Pages, SetInference, SetLateRound, SetOutcome, SetParams, WorkerResult,
    add_all, add_all_late, add_all_late_sets, add_all_sets, infer, read_posteriors, read_set_posteriors, read_set_result, read_set_results,
    synthetic::{
        Habit::{self, Constant, Copy, Random, Skill},
        Job, Stream,
    },
    write_gold, write_gold_sets,
};

/// How often each label is on, of 100.
pub(super) const OFTEN: [u64; 6] = [50, 40, 30, 20, 10, 4];

/// Sets as (task, worker, set), the true set of each task, the tasks that are gold.
#[derive(Debug, Clone)]
pub(super) struct SetJob {
    tasks: u32,
    labels: u16,
    workers: u32,
    pub(super) truths: Vec<u64>,
    pub(super) sets: Vec<(u32, u32, u64)>,
    gold: Vec<(u32, u64)>,
}

/// A worker of a skill sees so many in 100 of the labels that are on, and a quarter of the rest where they are off. `Constant` is a
/// set, `Copy` is not used.
fn answer(stream: &mut Stream, habit: Habit, truth: u64, labels: u16) -> u64 {
    let bits = |stream: &mut Stream, on: u64, off: u64| {
        let bit = |stream: &mut Stream, label: u16| stream.below(100) < if truth >> label & 1 == 1 { on } else { off };
        (0..labels).fold(0, |set, label| set | u64::from(bit(stream, label)) << label)
    };
    match habit {
        Skill(percent) | Copy(_, percent) => bits(stream, percent, (100 - percent) / 4),
        Constant(set) => u64::from(set) & ((1 << labels) - 1),
        Random => bits(stream, 50, 50),
    }
}

impl SetJob {
    pub(super) fn draw(seed: u64, tasks: u32, often: &[u64], overlap: usize, gold_in_bucket: usize, crew: &[Habit]) -> SetJob {
        let labels = often.len() as u16;
        // The seats are those of a plain job.
        let seats = Job::draw(seed, tasks, 2, overlap, gold_in_bucket, crew);
        let mut stream = Stream::new(seed + 1_000);
        let truth = |stream: &mut Stream| (0..).zip(often).fold(0, |set, (bit, &often)| set | u64::from(stream.below(100) < often) << bit);
        let truths: Vec<u64> = (0..tasks).map(|_| truth(&mut stream)).collect();
        let of = |task: u32| truths[task as usize];
        let given = seats.labels.iter().map(|&(task, worker, _)| (task, worker));
        let sets = given.map(|(task, worker)| (task, worker, answer(&mut stream, crew[worker as usize], of(task), labels))).collect();
        let gold = seats.gold.iter().map(|&(task, _)| (task, of(task))).collect();
        SetJob { tasks, labels, workers: crew.len() as u32, truths, sets, gold }
    }

    pub(super) fn params(&self, gold: Gold) -> SetParams {
        SetParams::new(self.tasks, self.labels, self.workers, gold)
    }

    fn pages(&self) -> Memory {
        let mut pages = Memory::default();
        add_all_sets(&mut pages, self.tasks, self.labels, &self.sets).unwrap();
        for chunk in 0..self.params(Gold::None).chunks() {
            let of_chunk: Vec<_> = self.gold.iter().copied().filter(|(task, _)| task / crate::CHUNK == chunk).collect();
            write_gold_sets(&mut pages, self.tasks, self.labels, chunk, &of_chunk).unwrap();
        }
        pages
    }

    /// The pages of a plain job of one of the labels.
    fn pages_of(&self, label: u16) -> Memory {
        let bit = |set: u64| (set >> label & 1) as u16;
        let mut pages = Memory::default();
        let labels: Vec<_> = self.sets.iter().map(|&(task, worker, set)| (task, worker, bit(set))).collect();
        add_all(&mut pages, self.tasks, 2, &labels).unwrap();
        for chunk in 0..self.params(Gold::None).chunks() {
            let of_chunk = self.gold.iter().filter(|(task, _)| task / crate::CHUNK == chunk);
            let of_chunk: Vec<_> = of_chunk.map(|&(task, set)| (task, bit(set))).collect();
            write_gold(&mut pages, self.tasks, 2, chunk, &of_chunk).unwrap();
        }
        pages
    }

    fn solve(&self, gold: Gold) -> (Memory, SetOutcome, Vec<WorkerResult>) {
        self.solve_with(self.params(gold))
    }

    pub(super) fn solve_with(&self, params: SetParams) -> (Memory, SetOutcome, Vec<WorkerResult>) {
        let mut pages = self.pages();
        let inference = run(&mut pages, params, || u64::MAX);
        let results = (0..params.sheets()).flat_map(|sheet| read_set_results(&pages, &params, sheet).unwrap()).collect();
        (pages, inference.outcome().unwrap(), results)
    }

    pub(super) fn inferred(&self, pages: &Memory, outcome: &SetOutcome) -> Vec<u64> {
        let params = self.params(Gold::None);
        let chunk = |chunk| read_set_posteriors(pages, &params, &outcome.models(), chunk).unwrap();
        let chunks: Vec<_> = (0..params.chunks()).map(chunk).collect();
        (0..self.tasks).map(|task| chunks[(task / crate::CHUNK) as usize].set((task % crate::CHUNK) as u16)).collect()
    }
}

/// Runs an inference by steps of the given budgets, storing it as bytes in between.
fn run(pages: &mut Memory, params: SetParams, mut budget: impl FnMut() -> u64) -> SetInference {
    let mut record = SetInference::open(params).unwrap().encode();
    loop {
        let mut inference = SetInference::decode(&record).unwrap();
        assert_eq!(inference.encode(), record);
        let progress = inference.step(pages, budget()).unwrap();
        record = inference.encode();
        if progress.done {
            return SetInference::decode(&record).unwrap();
        }
        assert!(progress.spent > 0 && inference.outcome().is_none());
    }
}

fn late_round(pages: &mut Memory, inference: &SetInference, mut budget: impl FnMut() -> u64) -> LateOutcome {
    let mut record = SetLateRound::open(inference).unwrap().encode();
    loop {
        let mut late = SetLateRound::decode(&record).unwrap();
        let progress = late.step(pages, budget()).unwrap();
        record = late.encode();
        if progress.done {
            return SetLateRound::decode(&record).unwrap().outcome().unwrap();
        }
    }
}

/// Honest workers, then: all off, all on, the most common set, random.
const HONEST: usize = 8;

fn crew() -> Vec<Habit> {
    let honest = [70, 76, 82, 88, 90, 92, 95, 97].into_iter().map(Skill);
    honest.chain([Constant(0), Constant(0b11_1111), Constant(0b1), Random]).collect()
}

#[test]
fn each_label_is_inferred_as_a_job_of_its_own() {
    let job = SetJob::draw(51, 1_300, &OFTEN, 5, 2, &crew());
    for gold in [Gold::Opened, Gold::None, Gold::Unopened] {
        let (pages, outcome, results) = job.solve(gold);
        assert_eq!(outcome.answers, 1_300 * 5);
        for label in 0..job.labels {
            let (mut alone, params) = (job.pages_of(label), job.params(gold).of_label());
            let expected = infer(&mut alone, params).unwrap();
            let found = outcome.labels[usize::from(label)];
            assert_eq!(
                (found.digest, found.model, found.passes, found.gold),
                (expected.digest, expected.model, expected.passes, expected.gold)
            );
            for chunk in 0..params.chunks() {
                let sets = read_set_posteriors(&pages, &job.params(gold), &outcome.models(), chunk).unwrap();
                let plain = read_posteriors(&alone, &params, expected.model, chunk).unwrap();
                for task in 0..params.tasks_in(chunk) as u16 {
                    assert_eq!(sets.task(task)[usize::from(label)], plain.task(task)[1]);
                    assert_eq!(sets.set(task) >> label & 1, plain.label(task).into());
                }
            }
        }
        assert_eq!(read_set_result(&pages, &job.params(gold), 3).unwrap(), results[3]);
        assert_eq!(read_set_posteriors(&pages, &job.params(gold), &outcome.models()[1..], 0).unwrap_err(), Error::Inconsistent.into());
    }
}

#[test]
fn constant_sets_earn_exactly_nothing_and_random_ones_next_to_nothing() {
    for seed in 1..=4 {
        let job = SetJob::draw(seed, 1_000, &OFTEN, 5, 1, &crew());
        for gold in [Gold::None, Gold::Opened, Gold::Unopened] {
            let (_, _, results) = job.solve(gold);
            let honest = results[..HONEST].iter().map(|result| result.share).sum::<u64>() / HONEST as u64;
            for (attacker, name) in results[HONEST..].iter().zip(["all off", "all on", "most common", "random"]) {
                println!("seed {seed} {gold:?} {name}: {} of {honest}, {}", attacker.share, attacker.basis.name());
            }
            assert!(results[HONEST..HONEST + 3].iter().all(|constant| constant.share == 0 && constant.kappa == 0));
            if gold != Gold::Unopened {
                assert!(results[HONEST + 3].share * 10 <= honest, "seed {seed}");
            }
            assert!(results[2..HONEST].iter().all(|result| result.basis == Basis::Kappa && result.share > ONE / 2));
        }
    }
}

#[test]
fn sets_are_inferred_better_than_by_a_vote_on_each_label() {
    for seed in 1..=3 {
        let job = SetJob::draw(seed, 1_000, &OFTEN, 5, 1, &crew());
        let (pages, outcome, _) = job.solve(Gold::Opened);
        let wrong = |sets: &[u64]| sets.iter().zip(&job.truths).map(|(set, truth)| (set ^ truth).count_ones()).sum::<u32>();
        let vote = |task: u32| {
            let given: Vec<u64> = job.sets.iter().filter(|set| set.0 == task).map(|set| set.2).collect();
            let on = |label: u16| given.iter().filter(|&set| set >> label & 1 == 1).count() * 2 > given.len();
            (0..job.labels).fold(0, |set, label| set | u64::from(on(label)) << label)
        };
        let voted: Vec<u64> = (0..job.tasks).map(vote).collect();
        let (inferred, voted) = (wrong(&job.inferred(&pages, &outcome)), wrong(&voted));
        println!("seed {seed}: {inferred} of 6,000 labels wrong, by vote {voted}");
        assert!(inferred * 3 <= voted * 2 && inferred * 50 <= 6_000);
    }
}

#[test]
fn who_works_on_some_labels_only_is_paid_for_less() {
    // Worker 0 answers the first label with care and leaves the others off.
    let mut job = SetJob::draw(52, 1_000, &[50, 45, 40, 35], 4, 0, &[Skill(90); 8]);
    let full = job.solve(Gold::None).2[0];
    job.sets.iter_mut().filter(|set| set.1 == 0).for_each(|set| set.2 &= 1);
    let lazy = job.solve(Gold::None).2[0];
    println!("kappa {} of {}", lazy.kappa, full.kappa);
    assert_eq!(full.share, ONE);
    assert!(lazy.kappa * 5 <= full.kappa * 2 && lazy.share * 2 < ONE);
}

#[test]
fn every_budget_and_order_leads_to_the_same_pages_and_digest() {
    let job = SetJob::draw(53, 1_300, &OFTEN[..3], 3, 1, &crew());
    let params = job.params(Gold::Opened);
    let mut whole = job.pages();
    let outcome = run(&mut whole, params, || u64::MAX).outcome();
    let mut shuffled = job.clone();
    Stream::new(1).shuffle(&mut shuffled.sets);
    let mut random = Stream::new(3);
    let mut budgets: Vec<Box<dyn FnMut() -> u64>> = vec![Box::new(|| 0), Box::new(|| 20_000), Box::new(move || random.below(50_000))];
    for budget in &mut budgets {
        let mut pages = shuffled.pages();
        assert_eq!(run(&mut pages, params, budget).outcome(), outcome);
        assert_eq!(pages, whole);
    }
    let kinds: std::collections::BTreeSet<u8> = whole.iter().map(|(page, _)| page.parts().0).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [7, 9, 11, 19, 23], "sets, gold, posteriors and results stay");
    let names: std::collections::BTreeSet<_> = whole.iter().map(|(page, _)| page.parts()).collect();
    assert_eq!(names.len(), whole.iter().count(), "different pages have different names");
}

#[test]
fn false_gold_of_a_label_is_slashed_by_its_part() {
    let mut job = SetJob::draw(54, 1_000, &[50, 40, 30, 20], 4, 1, &[Skill(95); 6]);
    assert!(job.solve(Gold::Opened).1.refund_unearned);
    for (_, set) in &mut job.gold {
        *set ^= 0b100;
    }
    let (_, outcome, _) = job.solve(Gold::Opened);
    let wrong: Vec<bool> = outcome.labels.iter().map(|label| label.gold.is_false()).collect();
    assert_eq!(wrong, [false, false, true, false]);
    assert!(outcome.is_gold_false() && !outcome.refund_unearned);
    assert_eq!(outcome.slash(4_003), Ok(1_000));
    assert_eq!(outcome.slash(u128::MAX), Ok(u128::MAX / 4));
}

#[test]
fn late_sets_move_posteriors_as_late_labels_do() {
    let job = SetJob::draw(55, 1_300, &OFTEN[..4], 3, 1, &crew());
    let late: Vec<(u32, u32, u64)> = (0..1_300)
        .step_by(3)
        .filter_map(|task| {
            let knows = |worker: &u32| job.sets.iter().any(|set| (set.0, set.1) == (task, *worker));
            (0..HONEST as u32).find(|worker| !knows(worker)).map(|worker| (task, worker, job.truths[task as usize] & 0xe))
        })
        .collect();
    let mut pages = job.pages();
    let inference = run(&mut pages, job.params(Gold::Opened), || u64::MAX);
    assert_eq!(SetLateRound::open(&SetInference::open(job.params(Gold::Opened)).unwrap()), Err(Error::Unfinished));
    add_all_late_sets(&mut pages, job.tasks, job.labels, &late).unwrap();
    let mut stepped = pages.clone();
    let outcome = late_round(&mut pages, &inference, || u64::MAX);
    let mut random = Stream::new(9);
    assert_eq!(late_round(&mut stepped, &inference, || random.below(2_000)), outcome);
    assert_eq!(stepped, pages);
    let models = inference.outcome().unwrap().models();
    for label in 0..job.labels {
        let (mut alone, params) = (job.pages_of(label), job.params(Gold::Opened).of_label());
        let mut plain = crate::Inference::open(params).unwrap();
        while !plain.step(&mut alone, u64::MAX).unwrap().done {}
        let bits: Vec<_> = late.iter().map(|&(task, worker, set)| (task, worker, (set >> label & 1) as u16)).collect();
        add_all_late(&mut alone, job.tasks, 2, &bits).unwrap();
        let mut round = LateRound::open(&plain).unwrap();
        while !round.step(&mut alone, u64::MAX).unwrap().done {}
        for chunk in 0..2 {
            let expected = read_posteriors(&alone, &params, models[usize::from(label)], chunk).unwrap();
            let found = read_set_posteriors(&pages, &job.params(Gold::Opened), &models, chunk).unwrap();
            for task in 0..params.tasks_in(chunk) as u16 {
                assert_eq!(found.task(task)[usize::from(label)], expected.task(task)[1]);
            }
        }
    }
}

#[test]
fn damaged_records_and_pages_are_noticed() {
    let job = SetJob::draw(56, 60, &[50, 40], 3, 0, &[Skill(90); 4]);
    let mut pages = job.pages();
    let mut inference = SetInference::open(job.params(Gold::None)).unwrap();
    inference.step(&mut pages, 0).unwrap();
    let bytes = inference.encode();
    for length in 0..bytes.len() {
        assert!(SetInference::decode(&bytes[..length]).is_err_and(|error| error == Error::DamagedRecord), "{length} bytes");
    }
    let done = run(&mut job.pages(), job.params(Gold::None), || u64::MAX);
    assert_eq!(SetInference::decode(&[&done.encode()[..], &[0]].concat()), Err(Error::DamagedRecord));
    assert_eq!(done.cursor(), None);
    let late = SetLateRound::open(&done).unwrap().encode();
    assert!((0..late.len()).all(|length| SetLateRound::decode(&late[..length]) == Err(Error::DamagedRecord)));
    let page = crate::Page::Sets { chunk: 0 };
    pages.write(page, vec![7]).unwrap();
    let damaged = Error::Damaged { page, reason: "unknown version" };
    assert_eq!(inference.step(&mut pages, 0), Err(damaged.into()));
    assert!(SetInference::open(SetParams::new(60, 65, 4, Gold::None)).is_err());
    assert!(SetInference::open(SetParams::new(60, 1, 4, Gold::None)).is_err());
    let empty = run(&mut Memory::default(), SetParams::new(5, 64, 0, Gold::None), || 1).outcome().unwrap();
    assert_eq!((empty.answers, empty.labels.len()), (0, 64));
}

#[test]
fn the_digest_of_a_seeded_job_stays() {
    let job = SetJob::draw(57, 1_300, &OFTEN, 4, 1, &crew());
    let digest = job.solve(Gold::Opened).1.digest;
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "6e79335a4b91f305fcd9d2149655a13e9f9f00684d3b3926b1d1ce3718ca9ddb");
}

#[test]
fn a_ring_of_three_in_ten_seats_earns_less_than_half_and_spoils_little() {
    let honest = [70, 75, 80, 85, 90, 95].map(Skill);
    let crew: Vec<Habit> = honest.into_iter().cycle().take(20).collect();
    for seed in 1..=4 {
        for often in [&[50, 40, 30, 20, 10][..], &[50, 50, 50, 50], &[20, 10, 10, 5]] {
            let mut job = SetJob::draw(seed, 1_797, often, 5, 1, &crew);
            // The ring answers a shared random set, each label as often on as it truly is.
            let mut stream = Stream::new(seed + 500);
            let set =
                |stream: &mut Stream| (0..).zip(often).fold(0, |set, (bit, &often)| set | u64::from(stream.below(100) < often) << bit);
            let shared: Vec<u64> = (0..1_797).map(|_| set(&mut stream)).collect();
            for (task, worker, set) in &mut job.sets {
                if *worker < 6 {
                    *set = shared[*task as usize];
                }
            }
            let (pages, outcome, results) = job.solve(Gold::Opened);
            let mean = |range: std::ops::Range<usize>| {
                let count = range.len() as u64;
                results[range].iter().map(|result| result.share).sum::<u64>() / count
            };
            let wrong: u32 = job.inferred(&pages, &outcome).iter().zip(&job.truths).map(|(set, truth)| (set ^ truth).count_ones()).sum();
            println!("seed {seed} {often:?}: ring {} of {}, {wrong} labels wrong", mean(0..6), mean(6..20));
            assert!(mean(0..6) * 100 <= mean(6..20) * 45, "seed {seed} {often:?}");
            assert!(u64::from(wrong) * 5 <= 1_797 * often.len() as u64, "seed {seed} {often:?}: {wrong} wrong");
        }
    }
}

#[test]
fn a_step_does_no_more_than_its_budget_and_one_chunk() {
    let crew: Vec<Habit> = (0..300).map(|worker| Skill(70 + worker % 25)).collect();
    let job = SetJob::draw(58, 4_000, &[50, 40, 30], 5, 0, &crew);
    let steps = |budget: u64| {
        let (mut pages, mut spent) = (job.pages(), vec![]);
        let mut inference = SetInference::open(job.params(Gold::None)).unwrap();
        while inference.outcome().is_none() {
            spent.push(inference.step(&mut pages, budget).unwrap().spent);
        }
        spent
    };
    let chunk = steps(0).into_iter().max().unwrap();
    let (sum, most) = steps(60_000).into_iter().fold((0, 0), |(sum, most), spent| (sum + spent, spent.max(most)));
    assert!(most <= 60_000 + chunk, "{most} visits");
    assert!(sum > 4_000 * 5 * 3 * 2 * 5, "each label of a set is visited twice in each pass");
}
