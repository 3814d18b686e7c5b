//! Settlement: bounded a block, in turn over the jobs, the same whatever the budgets and the order of reveals.
use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{
    GoldVerdict, JobState, LeaseState, PayReason, QueryJobProgressRequest, QueryServer, SettleStep, Worker,
};

use super::{
    jobs::honest,
    world::{Person, Post, World, user},
};
use crate::{
    Annotation, formats, rules,
    state::{STATUS, WORKERS},
};

fn genesis(visits: u64) -> cairn_proto::cairn::annotation::v1::Genesis {
    let mut genesis = Annotation.default_genesis();
    let params = genesis.params.as_mut().unwrap();
    params.label_visits_per_block = visits;
    params.rules.as_mut().unwrap().appeal_window = 0;
    genesis
}

#[test]
fn a_small_budget_takes_more_blocks_and_finds_the_same() {
    let settle = |visits| {
        let mut world = World::with(8, genesis(visits));
        let post = Post::default();
        let posted = world.post(&post);
        world.work(posted.id, &honest(&post));
        world.open_gold(&posted);
        let begun = world.height();
        let mut steps = Vec::new();
        while world.status(posted.id).state() != JobState::Closed {
            let progress = world.ask(|ctx| Annotation.job_progress(ctx, QueryJobProgressRequest { job: posted.id }));
            assert!(progress.step_total == 0 || progress.step_done <= progress.step_total, "{progress:?}");
            steps.push(progress.step());
            world.block();
        }
        steps.dedup();
        (world.status(posted.id).settlement.unwrap().digest, world.money(posted.id), world.height() - begun, steps)
    };
    let (digest, money, blocks, _) = settle(2_000_000);
    let (slow_digest, slow_money, slow_blocks, steps) = settle(1);
    assert_eq!((digest, money), (slow_digest, slow_money));
    assert_eq!(blocks, 1);
    println!("one block with 2 M visits a block, {slow_blocks} blocks with one chunk a block");
    assert!(slow_blocks > 10);
    let order = [
        SettleStep::Pack,
        SettleStep::Infer,
        SettleStep::Pay,
        SettleStep::Record,
        SettleStep::Shares,
        SettleStep::Publish,
        SettleStep::Award,
        SettleStep::Close,
    ];
    assert!(steps.is_sorted_by_key(|step| order.iter().position(|known| known == step)), "{steps:?}");
}

#[test]
fn jobs_settle_in_turn() {
    let mut world = World::with(8, genesis(2_000));
    let post = Post::default();
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let posted = world.post(&post);
        world.work(posted.id, &honest(&post));
        jobs.push(posted);
    }
    world.tx(|ctx| crate::state::SETTLE_CURSOR.set(ctx, &0)).unwrap();
    for posted in &jobs {
        if world.status(posted.id).state() == JobState::Gold && world.status(posted.id).gold_opened == 0 {
            world.open_gold(posted);
        }
    }
    let visits = |world: &mut World, id| world.status(id).settlement.unwrap().visits;
    let start: Vec<u64> = jobs.iter().map(|posted| visits(&mut world, posted.id)).collect();
    (0..4).for_each(|_| world.block());
    for (posted, before) in jobs.iter().zip(start) {
        assert!(visits(&mut world, posted.id) > before, "job {} got its turn", posted.id);
    }
    for posted in &jobs {
        world.until(posted.id, JobState::Closed);
    }
}

#[test]
fn the_order_of_reveals_changes_nothing() {
    let run = |backwards: bool| {
        let mut world = World::new(8);
        let post = Post::default();
        let posted = world.post(&post);
        let mut people = honest(&post);
        // All commit in the same order; only reveals are turned round.
        people.iter_mut().for_each(|person| person.reveals = false);
        let mut blocks = 0;
        while world.status(posted.id).state() == JobState::Open && blocks < 1_000 {
            world.work_one(posted.id, &people);
            if world.status(posted.id).buckets_revealing > 0 {
                reveal_all(&mut world, posted.id, &people, backwards);
            }
            world.block();
            blocks += 1;
        }
        reveal_all(&mut world, posted.id, &people, backwards);
        world.block();
        world.open_gold(&posted);
        world.until(posted.id, JobState::Closed);
        let settlement = world.status(posted.id).settlement.unwrap();
        (settlement.digest, settlement.contributors_root)
    };
    assert_eq!(run(false), run(true));
}

fn reveal_all(world: &mut World, job: u64, people: &[Person], backwards: bool) {
    let mut open = Vec::new();
    for person in people {
        for (lease, tasks) in world.leases(job, &person.address, LeaseState::Committed) {
            if lease.reveal_from > 0 && world.height() >= lease.reveal_from {
                open.push((person, lease, person.labels(&tasks)));
            }
        }
    }
    if backwards {
        open.reverse();
    }
    for (person, lease, labels) in open {
        world.reveal(&person.address, &lease, &labels).unwrap();
    }
}

/// The root over paid labels is that of the leaves which anybody can make from the exported labels.
#[test]
fn the_contributors_root_holds_every_paid_label() {
    use cairn_proto::cairn::annotation::v1::QueryLabelsRequest;
    let mut world = World::new(8);
    let post = Post { tasks: 1_050, bucket_size: 50, gold_per_bucket: 2, overlap: 3, ..Post::default() };
    let mut people = honest(&post);
    people.push(Person::new(user(7), |_| 0));
    let posted = world.run_job(&post, &people);
    let chain = formats::chain32(&world.chain.block.chain_id);
    let (mut leaves, mut from) = (Vec::new(), 0);
    loop {
        let page = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: posted.id, from, limit: 100 }));
        for task in page.tasks {
            for label in task.labels.iter().filter(|label| label.paid) {
                let annotator = cairn_kernel::Address::parse(&label.annotator).unwrap();
                leaves.push(formats::paid_leaf(&chain, posted.id, task.task, &annotator, u16::try_from(label.class).unwrap()));
            }
        }
        from = page.next;
        if from == 0 {
            break;
        }
    }
    let settlement = world.status(posted.id).settlement.unwrap();
    assert_eq!(leaves.len() as u64, settlement.paid_labels);
    assert_eq!(cairn_kernel::merkle::root(&leaves).to_vec(), settlement.contributors_root);
    let constant = world.worker(posted.id, &user(7)).result.unwrap();
    assert_eq!(constant.pay.unwrap().amount, "0", "the constant answerer is not among the contributors");
}

/// More annotators than can be written at once stand under a Merkle root, and claim their shares from the data set.
#[test]
fn shares_of_many_annotators_are_claimed_by_proof() {
    use cairn_proto::cairn::asset::v1::{MsgClaimShares, MsgServer};
    let mut world = World::new(1);
    world.checked = false;
    let accounts: Vec<cairn_kernel::Address> =
        (0..520_u32).map(|n| cairn_kernel::Address::new(&[&[200; 16], n.to_be_bytes().as_slice()].concat()).unwrap()).collect();
    for account in &accounts {
        let coins = [cairn_kernel::Coin::base(1_000_000)];
        world.tx(|ctx| cairn_bank::send(ctx, &user(1), account, &coins)).unwrap();
    }
    let post = Post { tasks: 1_740, overlap: 3, duration: 1_000, ..Post::default() };
    let posted = world.post(&post);
    let people: Vec<Person> = accounts.iter().map(|account| Person::new(*account, post.truth)).collect();
    // One lease each.
    for person in &people {
        world.claim(posted.id, &person.address).unwrap();
    }
    for _ in 0..40 {
        world.block();
    }
    for person in &people {
        for (lease, tasks) in world.leases(posted.id, &person.address, LeaseState::Live) {
            world.commit(&lease, &person.labels(&tasks)).unwrap();
        }
    }
    // Full buckets have their R at once, the others at the deadline.
    let deadline = world.job(posted.id).0.commit_deadline;
    for height in [world.height() + 1, deadline + 1] {
        world.go_to(height);
        reveal_all(&mut world, posted.id, &people, false);
    }
    world.block();
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    let status = world.status(posted.id);
    let settlement = status.settlement.unwrap();
    assert!(settlement.workers_paid > rules::INLINE_HOLDERS, "{}", settlement.workers_paid);

    let paid: Vec<(cairn_kernel::Address, u128)> = (0..status.workers)
        .filter_map(|number| {
            let worker = world.ask(|ctx| crate::state::WORKERS.get(ctx, &(posted.id, number))).unwrap();
            let pay: u128 = worker.result.unwrap().pay.unwrap().amount.parse().unwrap();
            (pay > 0).then(|| (cairn_kernel::Address::parse(&worker.annotator).unwrap(), pay))
        })
        .collect();
    let all: u128 = paid.iter().map(|(_, pay)| pay).sum();
    let (mut before, mut shares) = (0_u128, Vec::new());
    for (_, pay) in &paid {
        let after = before + pay;
        shares.push(u64::try_from(300_000_000_000 * after / all - 300_000_000_000 * before / all).unwrap());
        before = after;
    }
    assert_eq!(shares.iter().sum::<u64>(), 300_000_000_000);
    let leaves: Vec<_> = paid.iter().zip(&shares).zip(0..).map(|(((a, _), s), i)| cairn_asset::claim_leaf(i, a, *s)).collect();
    assert_eq!(cairn_kernel::merkle::root(&leaves).to_vec(), settlement.claims_root);
    for i in [0, 7, paid.len() - 1] {
        let path = cairn_kernel::merkle::path(&leaves, i).unwrap().into_iter().map(|hash| hash.to_vec()).collect();
        let msg = MsgClaimShares {
            sender: user(1).to_string(),
            asset_id: status.asset_id,
            index: u32::try_from(i).unwrap(),
            holder: paid[i].0.to_string(),
            shares: shares[i],
            path,
        };
        world.tx(|ctx| cairn_asset::Asset.claim_shares(ctx, msg)).unwrap();
    }
    world.check();
}

/// Six labels of one worker nobody else labelled with: through no fault of its own it gets a half.
#[test]
fn a_worker_whose_peers_are_silent_gets_a_half() {
    let mut world = World::new(3);
    let post = Post { duration: 400, ..Post::default() };
    let posted = world.post(&post);
    let (lease, tasks) = world.grant(posted.id, &user(2));
    let person = Person::new(user(2), post.truth);
    world.commit(&lease, &person.labels(&tasks)).unwrap();
    let deadline = world.job(posted.id).0.commit_deadline;
    world.go_to(deadline + 1);
    world.reveal(&user(2), &lease, &person.labels(&tasks)).unwrap();
    world.block();
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    let result = world.worker(posted.id, &user(2)).result.unwrap();
    assert_eq!((result.reason(), result.score_q32), (PayReason::SilentPeers, 1 << 31));
    assert_eq!(result.pay.unwrap().amount, "50000");
    let money = world.money(posted.id);
    // Unearned 50,000: half to the pool, half back; fee 2 % of 50,000: 600 burnt, 400 to the pool.
    assert_eq!((money.claimable, money.pool, money.burnt), (50_000, 25_000 + 400, 600));
    assert_eq!(money.refunded, 3_360_000 - 50_000 - 25_000 - 1_000);
    assert_eq!(world.status(posted.id).settlement.unwrap().gold(), GoldVerdict::Sound);
}

/// Whoever posts a job can fill it with accounts that lease and earn nothing: they are passed in steps, not in one block.
#[test]
fn a_crowd_that_earned_nothing_is_passed_in_steps() {
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.post(&post);
    world.work(posted.id, &honest(&post));
    world.checked = false;
    let mut status = world.status(posted.id);
    for number in status.workers..=rules::INLINE_WORKERS {
        let idle = Worker { job: posted.id, annotator: user(200).to_string(), number, ..Worker::default() };
        world.tx(|ctx| WORKERS.set(ctx, &(posted.id, number), &idle)).unwrap();
    }
    status.workers = rules::INLINE_WORKERS + 1;
    world.tx(|ctx| STATUS.set(ctx, &posted.id, &status)).unwrap();
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    let status = world.status(posted.id);
    let settlement = status.settlement.unwrap();
    assert!(settlement.workers_paid <= rules::INLINE_HOLDERS);
    assert!(!settlement.claims_root.is_empty(), "few were paid, and all of them claim");
    let shares = cairn_asset::share_denom(status.asset_id);
    assert_eq!(world.ask(|ctx| cairn_bank::balance(ctx, &user(1), &shares)), 700_000_000_000);
}

/// Pay below one unit leaves the annotators nothing to divide shares by: the data set is published all the same, as the requester's.
#[test]
fn pay_of_nothing_leaves_the_shares_with_the_requester() {
    let mut world = World::with(8, genesis(1));
    let post = Post { requester_bps: 0, ..Post::default() };
    let posted = world.post(&post);
    world.work(posted.id, &honest(&post));
    world.open_gold(&posted);
    while world.status(posted.id).settlement.unwrap().step() != SettleStep::Shares {
        world.block();
    }
    world.checked = false;
    let mut status = world.status(posted.id);
    status.settlement.as_mut().unwrap().paid = "0".into();
    world.tx(|ctx| STATUS.set(ctx, &posted.id, &status)).unwrap();
    for number in 0..status.workers {
        let mut worker = world.ask(|ctx| WORKERS.get(ctx, &(posted.id, number))).unwrap();
        worker.result.as_mut().unwrap().pay = None;
        world.tx(|ctx| WORKERS.set(ctx, &(posted.id, number), &worker)).unwrap();
    }
    world.until(posted.id, JobState::Closed);
    let status = world.status(posted.id);
    assert_eq!(status.quarantine_deadline, 0);
    let shares = cairn_asset::share_denom(status.asset_id);
    assert_eq!(world.ask(|ctx| cairn_bank::balance(ctx, &user(1), &shares)), u128::from(rules::SHARE_SUPPLY));
}
