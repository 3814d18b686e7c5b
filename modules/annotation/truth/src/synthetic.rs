//! Seeded synthetic jobs for tests: integers only, the same on every machine.

use crate::{Gold, Inference, Memory, Outcome, Params, Phase, WorkerResult, add_all, infer, read_posteriors, read_results, write_gold};

/// A stream of numbers (SplitMix64).
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64) -> Stream {
        Stream(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// How a worker answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Habit {
    /// Right so many times in 100, else one of the other classes.
    Skill(u64),
    /// Always the same class.
    Constant(u16),
    /// Any class.
    Random,
    /// What the worker with this number answered, where that one was there; else right so many times in 100.
    Copy(u32, u64),
}

/// Labels as (task, worker, class), the truth of each task, the tasks that are gold.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) tasks: u32,
    pub(crate) classes: u16,
    pub(crate) workers: u32,
    pub(crate) truths: Vec<u16>,
    pub(crate) labels: Vec<(u32, u32, u16)>,
    pub(crate) gold: Vec<(u32, u16)>,
}

/// What came out of a job.
pub(crate) struct Solved {
    pub(crate) outcome: Outcome,
    pub(crate) labels: Vec<u16>,
    pub(crate) results: Vec<WorkerResult>,
    pub(crate) pages: Memory,
}

impl Job {
    /// Every bucket of 20 tasks goes to `overlap` different workers, and each has `gold_in_bucket` gold tasks.
    pub(crate) fn draw(seed: u64, tasks: u32, classes: u16, overlap: usize, gold_in_bucket: usize, crew: &[Habit]) -> Job {
        let mut stream = Stream::new(seed);
        let truths: Vec<u16> = (0..tasks).map(|_| stream.below(classes.into()) as u16).collect();
        let (mut labels, mut gold) = (vec![], vec![]);
        let mut workers: Vec<u32> = (0..crew.len() as u32).collect();
        for first in (0..tasks).step_by(20) {
            let mut bucket: Vec<u32> = (first..tasks.min(first + 20)).collect();
            stream.shuffle(&mut workers);
            let mut seats = workers[..overlap].to_vec();
            // A copier answers after the one it copies.
            seats.sort_by_key(|&worker| matches!(crew[worker as usize], Habit::Copy(..)));
            for &task in &bucket {
                let mut given = std::collections::BTreeMap::new();
                for &worker in &seats {
                    let class = answer(&mut stream, crew[worker as usize], truths[task as usize], classes, &given);
                    given.insert(worker, class);
                    labels.push((task, worker, class));
                }
            }
            stream.shuffle(&mut bucket);
            gold.extend(bucket.iter().take(gold_in_bucket).map(|&task| (task, truths[task as usize])));
        }
        Job { tasks, classes, workers: crew.len() as u32, truths, labels, gold }
    }

    pub(crate) fn params(&self, gold: Gold) -> Params {
        Params::new(self.tasks, self.classes, self.workers, gold)
    }

    /// Pages with the labels and the opened gold.
    pub(crate) fn pages(&self) -> Memory {
        let mut pages = Memory::default();
        add_all(&mut pages, self.tasks, self.classes, &self.labels).unwrap();
        for chunk in 0..self.params(Gold::None).chunks() {
            let of_chunk: Vec<_> = self.gold.iter().copied().filter(|(task, _)| task / crate::CHUNK == chunk).collect();
            write_gold(&mut pages, self.tasks, self.classes, chunk, &of_chunk).unwrap();
        }
        pages
    }

    pub(crate) fn solve(&self, gold: Gold) -> Solved {
        self.solve_with(self.params(gold))
    }

    pub(crate) fn solve_with(&self, params: Params) -> Solved {
        let mut pages = self.pages();
        let outcome = infer(&mut pages, params).unwrap();
        Solved::read(pages, &params, outcome)
    }

    /// As [`Job::solve_with`], but the gold is trusted, however much of it the voters void.
    pub(crate) fn solve_trusting(&self, params: Params) -> Solved {
        let mut pages = self.pages();
        let mut inference = Inference::open(params).unwrap();
        while inference.cursor().phase == Phase::Tally {
            inference.step(&mut pages, 0).unwrap();
        }
        inference.gold.void = 0;
        while !inference.step(&mut pages, u64::MAX).unwrap().done {}
        Solved::read(pages, &params, inference.outcome().unwrap())
    }
}

impl Solved {
    pub(crate) fn read(pages: Memory, params: &Params, outcome: Outcome) -> Solved {
        let mut labels = vec![];
        for chunk in 0..params.chunks() {
            let posteriors = read_posteriors(&pages, params, outcome.model, chunk).unwrap();
            labels.extend((0..params.tasks_in(chunk)).map(|task| posteriors.label(task as u16)));
        }
        let results = (0..params.sheets()).flat_map(|sheet| read_results(&pages, params, sheet).unwrap()).collect();
        Solved { outcome, labels, results, pages }
    }

    /// Tasks whose inferred label is the truth.
    pub(crate) fn right(&self, truths: &[u16]) -> usize {
        self.labels.iter().zip(truths).filter(|(label, truth)| label == truth).count()
    }
}

fn answer(stream: &mut Stream, habit: Habit, truth: u16, classes: u16, given: &std::collections::BTreeMap<u32, u16>) -> u16 {
    match habit {
        Habit::Skill(percent) if stream.below(100) < percent => truth,
        Habit::Skill(_) => ((u64::from(truth) + 1 + stream.below(u64::from(classes) - 1)) % u64::from(classes)) as u16,
        Habit::Constant(class) => class,
        Habit::Random => stream.below(classes.into()) as u16,
        Habit::Copy(of, percent) => match given.get(&of) {
            Some(&class) => class,
            None => answer(stream, Habit::Skill(percent), truth, classes, given),
        },
    }
}
