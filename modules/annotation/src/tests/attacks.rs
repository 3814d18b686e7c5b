//! Attacks, each with what the attacker gains and what the others lose. Amounts in ucairn.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Module};
use cairn_proto::cairn::annotation::v1::{
    Genesis, GoldVerdict, JobState, LeaseState, MsgOpenGold, MsgServer, MsgSkipTasks, PayReason, SkipReason,
};

use super::world::{GoldSecret, Person, Post, Posted, WEALTH, World, noise, user};
use crate::{Annotation, formats::GoldTree};

/// 600 tasks in 30 buckets of 20, five labels each, a twentieth of gold.
fn job() -> Post {
    Post { tasks: 600, overlap: 5, bucket_size: 20, duration: 4_000, ..Post::default() }
}

fn honest(post: &Post, users: std::ops::RangeInclusive<u8>) -> Vec<Person> {
    users.map(|n| Person::skilled(user(n), 85 + u64::from(n) % 10, post.truth, post.classes)).collect()
}

/// An answer that has nothing to do with the task.
fn random(n: u8) -> Person {
    Person::new(user(n), move |task| u16::try_from(noise(1_000 + u64::from(n), task) % 4).unwrap())
}

fn constant(n: u8) -> Person {
    Person::new(user(n), |_| 0)
}

fn world() -> World {
    let mut world = World::new(20);
    world.checked = false;
    world
}

/// Pay a label of some people, times 1,000, averaged.
fn mean_pay(world: &mut World, job: u64, users: impl Iterator<Item = u8>) -> u128 {
    let pays: Vec<u128> = users.map(|n| world.pay_per_label(job, &user(n))).collect();
    pays.iter().sum::<u128>() / pays.len() as u128
}

fn settle(world: &mut World, posted: &Posted) {
    if world.status(posted.id).state() == JobState::Gold {
        world.open_gold(posted);
    }
    world.until(posted.id, JobState::Closed);
    world.check();
}

#[test]
fn constant_and_random_answers_earn_next_to_nothing() {
    let (mut world, post) = (world(), job());
    let mut people = honest(&post, 2..=9);
    people.extend([constant(10), random(11)]);
    let posted = world.post(&post);
    world.work(posted.id, &people);
    settle(&mut world, &posted);
    let honest = mean_pay(&mut world, posted.id, 2..=9);
    let (lazy, blind) = (world.pay_per_label(posted.id, &user(10)), world.pay_per_label(posted.id, &user(11)));
    println!("pay a label: honest {}, constant {}, random {}", honest / 1_000, lazy / 1_000, blind / 1_000);
    assert!(lazy * 50 <= honest && blind * 10 <= honest);
}

/// The requester commits two gold tasks in each bucket, to open whichever hurts a worker. Every leaf is re-computed: only all of them open,
/// and all of them are too many.
#[test]
fn spare_gold_cannot_be_opened_selectively() {
    let (mut world, post) = (world(), Post::default());
    let mut gold = post.gold(&world.chain.block.chain_id.clone(), 1);
    for bucket in 0..10 {
        let spare = post.buckets().tasks(bucket).find(|task| !gold.truths.contains_key(task)).unwrap();
        gold.truths.insert(spare, 0);
    }
    gold.tree = GoldTree::new(&world.chain.block.chain_id, &[3; 32], &gold.seed, post.tasks, &gold.truths);
    let msg = post.msg(&gold);
    let id = world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap().job;
    world.work(id, &honest(&post, 2..=6));
    let all = gold.opening(id, 0, post.tasks);
    assert_eq!(world.refusal(|ctx| Annotation.open_gold(ctx, all.clone())), 70);
    let mut refused = 0;
    for keep in 0..2_usize.pow(10) {
        // One of the two gold tasks of each bucket, in every combination.
        let mut chosen = Vec::new();
        for bucket in 0..10 {
            let of_bucket: Vec<_> = all.truths.iter().filter(|truth| post.buckets().tasks(bucket).contains(&truth.task)).collect();
            chosen.push(of_bucket[(keep >> bucket) & 1].clone());
        }
        let msg = MsgOpenGold { truths: chosen, ..all.clone() };
        refused += u32::from(world.refusal(|ctx| Annotation.open_gold(ctx, msg)) == 72);
    }
    let before = world.wealth(&user(1));
    world.until(id, JobState::Closed);
    let bond = post.quote().gold_bond;
    let (refund, money) = (world.wealth(&user(1)) - before, world.money(id));
    println!("{refused} of 1024 choices refused; the requester loses its bond of {bond} and gains 0");
    assert_eq!(refused, 1_024);
    assert_eq!(world.status(id).settlement.unwrap().gold(), GoldVerdict::Unopened);
    assert_eq!(refund, money.free + money.refunded);
    for n in 2..=6 {
        assert_eq!(world.worker(id, &user(n)).result.unwrap().reason(), PayReason::GoldUnopened);
    }
}

/// The requester commits wrong truths for a share of its gold, hoping to keep workers' pay.
#[test]
fn false_gold_never_profits_the_requester() {
    let run = |falsified: u32| {
        let (mut world, post) = (world(), job());
        let people = honest(&post, 2..=9);
        let honest_gold = post.gold(&world.chain.block.chain_id.clone(), 1);
        let lie = |(i, (task, class)): (u32, (&u32, &u16))| (*task, if i * 10 < falsified * 3 { (class + 1) % 4 } else { *class });
        let truths: BTreeMap<u32, u16> = (0..).zip(&honest_gold.truths).map(lie).collect();
        let tree = GoldTree::new(&world.chain.block.chain_id, &[3; 32], &honest_gold.seed, post.tasks, &truths);
        let gold = GoldSecret { seed: honest_gold.seed, truths, tree };
        let msg = post.msg(&gold);
        let id = world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap().job;
        let posted = Posted { id, gold, truth: post.truth };
        world.work(id, &people);
        settle(&mut world, &posted);
        let paid: u128 = (2..=9).map(|n| world.wealth(&user(n)) - WEALTH).sum();
        let settlement = world.status(id).settlement.unwrap();
        (WEALTH - world.wealth(&user(1)), paid, settlement.gold(), settlement.gold_void, settlement.workers_gated)
    };
    let (honest_cost, honest_paid, ..) = run(0);
    println!("share of false gold: requester's cost (change), workers' pay (change), verdict, void of 30, gated");
    // Of 30 gold tasks so many tenths are false.
    for tenths in [1, 2, 3, 5, 10] {
        let (cost, paid, verdict, void, gated) = run(tenths * 10);
        let (gain, loss) = (i128::try_from(honest_cost).unwrap() - i128::try_from(cost).unwrap(), honest_paid.abs_diff(paid));
        println!("{:>3} %: {cost} ({:+}), {paid} (differs by {loss}), {verdict:?}, {void}, {gated}", tenths * 10, -gain);
        assert!(gain <= 0, "the requester gains {gain} by {tenths} tenths of false gold");
        if void > 3 {
            assert_eq!((verdict, gated), (GoldVerdict::False, 0));
        }
    }
}

#[test]
fn unopened_gold_pays_workers_not_constants() {
    let (mut world, post) = (world(), job());
    let mut people = honest(&post, 2..=9);
    people.push(constant(10));
    let posted = world.post(&post);
    world.work(posted.id, &people);
    world.until(posted.id, JobState::Closed);
    world.check();
    let money = world.money(posted.id);
    for n in 2..=9 {
        let worker = world.worker(posted.id, &user(n));
        let result = worker.result.unwrap();
        assert_eq!((result.reason(), result.score_q32), (PayReason::GoldUnopened, 1 << 32));
        assert_eq!(result.pay.unwrap().amount, (u128::from(worker.labels) * 10_000).to_string());
    }
    let lazy = world.worker(posted.id, &user(10)).result.unwrap();
    assert_eq!(lazy.pay.unwrap().amount, "0");
    let unearned: u128 = lazy.unearned.unwrap().amount.parse().unwrap();
    println!("the requester keeps nothing: bond {} lost, unearned {unearned} to the pool; constant answers earn 0", post.quote().gold_bond);
    let fee = post.quote().fee - (money.claimable * 2 / 100);
    let unsold = post.quote().labels - money.claimable - unearned;
    assert_eq!(money.refunded, unsold + fee, "neither bond nor unearned money goes back");
}

#[test]
fn withheld_reveals_leave_the_innocent_paid() {
    let (mut world, post) = (world(), job());
    let mut people = honest(&post, 2..=9);
    // Three accounts commit and never reveal.
    people.extend((10..=12).map(|n| Person { reveals: false, ..Person::new(user(n), post.truth) }));
    let posted = world.post(&post);
    world.work(posted.id, &people);
    settle(&mut world, &posted);
    let mut lost = 0;
    for n in 10..=12 {
        let worker = world.worker(posted.id, &user(n));
        assert!(worker.unrevealed > 0 && worker.labels == 0);
        assert_eq!(worker.result.unwrap().reason(), PayReason::NoLabels);
        lost += WEALTH - world.wealth(&user(n));
    }
    let seats: u32 = (10..=12).map(|n| world.worker(posted.id, &user(n)).unrevealed).sum();
    assert_eq!(lost, u128::from(seats) * 20_000, "each lease's bond: a tenth of 20 labels");
    for n in 2..=9 {
        let worker = world.worker(posted.id, &user(n));
        let result = worker.result.unwrap();
        let full = u128::from(worker.labels) * 10_000;
        assert!(result.pay.unwrap().amount.parse::<u128>().unwrap() * 10 >= full * 9, "user {n} keeps its pay");
    }
    println!("three accounts withhold {seats} leases: they lose {lost}, gain 0; the others are paid, the withheld seats' money goes back");
}

/// One class everywhere: chance is one, and there is nothing to divide by.
#[test]
fn one_class_job_pays_without_division_by_zero() {
    for gold in [|_| 0, |task: u32| u16::from(task % 20 == 7)] {
        let (mut world, post) = (world(), Post { truth: |_| 0, gold_truth: gold, ..job() });
        let people: Vec<Person> = (2..=9).map(|n| Person::new(user(n), |_| 0)).collect();
        let posted = world.post(&post);
        world.work(posted.id, &people);
        settle(&mut world, &posted);
        let worker = world.worker(posted.id, &user(2));
        let result = worker.result.unwrap();
        assert_eq!(result.reason(), PayReason::OneClass);
        let paid: u128 = result.pay.unwrap().amount.parse().unwrap();
        let n = u128::from(worker.labels);
        // n / (n + 10) of half: the rule with kappa = target / 2.
        let expected = n * 10_000 * n / (n + 10) / 2;
        assert!(paid <= expected && paid + 10 >= expected, "{paid} of {expected}");
        println!("all of one class, gold {:?}: paid {paid} for {n} labels at 10000", world.status(posted.id).settlement.unwrap().gold());
    }
}

/// With the main network's seat gap (longer than a claim waits) a burst gets one seat a bucket, however many accounts claim.
#[test]
fn claim_burst_takes_no_bucket() {
    let burst = |seat_gap: u64| {
        let mut genesis = Annotation.default_genesis();
        genesis.params.as_mut().unwrap().rules.as_mut().unwrap().seat_gap = seat_gap;
        let mut world = World::with(1, genesis);
        world.checked = false;
        let account = |n: u32| Address::new(&[&[200; 16], n.to_be_bytes().as_slice()].concat()).unwrap();
        for n in 0..450 {
            let coins = [cairn_kernel::Coin::base(1_000_000)];
            world.tx(|ctx| cairn_bank::send(ctx, &user(1), &account(n), &coins)).unwrap();
        }
        let posted = world.post(&Post { tasks: 1_280, bucket_size: 20, overlap: 5, ..Post::default() });
        // 400 attackers claim in the first block, 50 others one after another in the blocks that follow.
        for n in 0..400 {
            world.claim(posted.id, &account(n)).unwrap();
        }
        for n in 400..450 {
            world.block();
            world.claim(posted.id, &account(n)).unwrap();
        }
        world.go_to(80);
        let mut seats = BTreeMap::<u32, u32>::new();
        for n in 0..400 {
            for (lease, _) in world.leases(posted.id, &account(n), LeaseState::Unspecified) {
                *seats.entry(lease.buckets[0]).or_default() += 1;
            }
        }
        let honest = (400..450).filter(|n| !world.leases(posted.id, &account(*n), LeaseState::Unspecified).is_empty()).count();
        (seats.values().copied().max().unwrap_or(0), seats.values().filter(|seats| **seats >= 3).count(), honest)
    };
    let (most, taken, _) = burst(150);
    println!("burst of 400 claims on 64 buckets of 5 seats, gap 150: at most {most} seats a bucket, {taken} majorities");
    assert_eq!((most, taken), (1, 0));
    let (most, taken, served) = burst(2);
    println!("the same with a test network's gap of 2: at most {most} seats a bucket, {taken} majorities, {served} of 50 others served");
}

/// An account that wants one certain bucket of 64 lets leases expire until it gets it.
#[test]
fn reroll_by_skip_or_expiry_costs_more_than_it_gains() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().lease_blocks = 5;
    let lease_price = 10 * 10_000;
    let (mut rerolls, mut cost, mut blocks) = (0_u128, 0_u128, 0_u64);
    let targets = [7_u32, 30, 55];
    for target in targets {
        let mut world = World::with(2, Genesis::clone(&genesis));
        world.checked = false;
        let id = world.post(&Post { tasks: 640, duration: 90_000, ..Post::default() }).id;
        let start = world.height();
        loop {
            world.fresh = true;
            let (lease, _) = world.grant(id, &user(2));
            if lease.buckets == [target] {
                break;
            }
            rerolls += 1;
            // Nothing is drawn while it waits out its pause.
            world.fresh = false;
            world.go_to(lease.end_height + 1);
            let until = world.worker(id, &user(2)).paused_until;
            world.go_to(until);
        }
        cost += WEALTH - world.wealth(&user(2)) - 10_000;
        blocks += world.height() - start;
    }
    let runs = targets.len() as u128;
    println!(
        "a certain bucket of 64 by expiry: {} rerolls, {} in bonds, {} blocks on average; a lease is worth {lease_price}",
        rerolls / runs,
        cost / runs,
        blocks / targets.len() as u64,
    );
    assert_eq!(cost, rerolls * 10_000);
    assert!(cost / runs > lease_price, "more than the whole price of the lease");

    // By giving back: the budget of a job of 640 tasks is 32, three leases, and each costs 300 blocks.
    let mut world = World::new(2);
    let id = world.post(&Post { tasks: 640, duration: 90_000, ..Post::default() }).id;
    let mut skips = 0;
    loop {
        let (lease, _) = world.grant(id, &user(2));
        let msg = MsgSkipTasks { annotator: user(2).to_string(), lease: lease.id, reason: SkipReason::Declined.into() };
        if world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).is_err() {
            break;
        }
        skips += 1;
        world.fresh = false;
        let until = world.worker(id, &user(2)).paused_until;
        world.go_to(until);
        world.fresh = true;
    }
    println!("by giving back: {skips} rerolls and {} blocks for the whole job", skips * 300);
    assert_eq!(skips, 3);
}

/// The requester's gateway serves nothing. Nobody loses a bond, the job stops, and it ends with its money back.
#[test]
fn unserved_content_costs_no_bond() {
    let (mut world, post) = (world(), Post { duration: 1_000, ..job() });
    let id = world.post(&post).id;
    for n in 2..=7 {
        world.claim(id, &user(n)).unwrap();
    }
    (0..5).for_each(|_| world.block());
    for n in 2..=7 {
        for (lease, _) in world.leases(id, &user(n), LeaseState::Live) {
            let msg = MsgSkipTasks { annotator: user(n).to_string(), lease: lease.id, reason: SkipReason::Unavailable.into() };
            world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).unwrap();
        }
    }
    assert!(world.status(id).stopped_since > 0, "the job grants no more leases");
    world.until(id, JobState::Closed);
    world.check();
    for n in 2..=7 {
        assert_eq!(world.wealth(&user(n)), WEALTH, "user {n} has all its money");
    }
    let cost = WEALTH - world.wealth(&user(1));
    println!("six annotators lose 0; the requester's cost is its posting fee of {cost}");
    assert_eq!(cost, 100_000);
}

/// A late annotator that copies the public majority instead of looking earns a late label exactly what its blind labels were worth, and no
/// more of them than a quarter; who copied nothing in the blind round earns nothing late.
#[test]
fn late_copier_earns_no_more_than_blind_skill() {
    let (mut world, post) = (world(), super::late::post());
    let mut crew = super::late::people(&post);
    crew.push(constant(11));
    let posted = super::late::blind(&mut world, &post, &crew);
    world.settle_to(posted.id, JobState::Late);
    let public = public_majority(&mut world, posted.id);
    let copier = |n| {
        let public = public.clone();
        Person::new(user(n), move |task| public.get(&task).copied().unwrap_or(0))
    };
    // Users 2 to 4 copy late, the others look; user 11, who guessed blindly, would copy too.
    crew = crew.into_iter().skip(3).take(6).chain([2, 3, 4, 11].map(copier)).collect();
    world.work_late(posted.id, &crew);
    settle(&mut world, &posted);
    let mut late = 0;
    for n in 2..=10 {
        let worker = world.worker(posted.id, &user(n));
        let result = worker.result.unwrap();
        let blind: u128 = result.pay.unwrap().amount.parse().unwrap();
        let pay: u128 = result.late_pay.parse().unwrap_or(0);
        let (per_late, per_blind) = (pay * 1_000 / u128::from(worker.late_labels.max(1)), blind * 1_000 / u128::from(worker.labels));
        println!(
            "user {n} {}: {} late labels at {per_late}, blind ones at {per_blind}",
            if n <= 4 { "copies" } else { "looks" },
            worker.late_labels
        );
        let rounding = 1 + 1_000 / u128::from(worker.labels);
        assert!(per_late <= per_blind + rounding && worker.late_labels <= worker.labels / 4);
        late += worker.late_labels;
    }
    assert!(late > 0 && world.worker(posted.id, &user(11)).late_labels == 0, "a guesser gets no late seat to copy in");
}

/// The most frequent public label of each task.
fn public_majority(world: &mut World, job: u64) -> BTreeMap<u32, u16> {
    use cairn_proto::cairn::annotation::v1::{QueryServer, QueryTasksRequest};
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job, from: 0, limit: 1_000 })).tasks;
    let most = |votes: &[u32]| votes.iter().enumerate().max_by_key(|(_, votes)| **votes).map_or(0, |(class, _)| class);
    tasks.iter().map(|task| (task.task, u16::try_from(most(&task.votes)).unwrap())).collect()
}
