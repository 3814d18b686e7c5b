//! VERIFY: drafts that the requester has are accepted or rejected.
use cairn_proto::cairn::annotation::v1::{ItemKind, JobType, MsgPostJob, MsgServer, PayReason, QueryServer, QueryTasksRequest};

use crate::{
    Annotation,
    tests::world::{Person, Post, World, noise, user},
    types,
};

/// A quarter of the drafts is bad.
fn post() -> Post {
    let truth = |task| u16::from(noise(3, task) % 8 > 1);
    Post { classes: 2, truth, gold_truth: truth, change: verify, ..Post::default() }
}

fn verify(msg: &mut MsgPostJob) {
    msg.set_type(JobType::Verify);
    msg.set_item_kind(ItemKind::Pair);
    msg.classes = types::VERDICTS.map(str::to_owned).to_vec();
}

fn refused(change: fn(&mut MsgPostJob)) -> u32 {
    let mut world = World::new(1);
    let mut msg = post().msg(&post().gold(&world.chain.block.chain_id.clone(), 1));
    change(&mut msg);
    world.refusal(|ctx| Annotation.post_job(ctx, msg))
}

#[test]
fn verdicts_have_fixed_classes() {
    assert_eq!(refused(|m| m.classes.swap(0, 1)), 111);
    assert_eq!(refused(|m| m.classes.push("unsure".into())), 111);
    assert_eq!(refused(|m| m.classes[0] = "no".into()), 111);
    assert_eq!(refused(|m| m.item_kind = 0), 4);
    assert_eq!(refused(|m| m.contestants = 2), 112);
    assert_eq!(refused(|m| m.pairs_root = vec![1; 32]), 112);
    for kind in [ItemKind::Image, ItemKind::Text, ItemKind::Audio, ItemKind::Pair] {
        let mut world = World::new(1);
        let mut msg = post().msg(&post().gold(&world.chain.block.chain_id.clone(), 1));
        msg.set_item_kind(kind);
        world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap();
    }
}

#[test]
fn drafts_are_judged_and_who_always_accepts_earns_nothing() {
    let post = post();
    let mut world = World::new(9);
    let skills = [95, 92, 97, 90, 94];
    let mut people: Vec<Person> = (2..).zip(skills).map(|(n, skill)| Person::skilled(user(n), skill, post.truth, 2)).collect();
    people.push(Person::new(user(7), |_| 1));
    people.push(Person::new(user(8), |task| u16::try_from(noise(8, task) % 2).unwrap()));
    let posted = world.run_job(&post, &people);
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    let right = tasks.iter().filter(|task| task.class == u32::from((posted.truth)(task.task))).count();
    assert!(right >= 90, "{right} of 100 right");
    let honest: u128 = (2..=6).map(|n| world.pay_per_label(posted.id, &user(n))).sum::<u128>() / 5;
    let accepts = world.worker(posted.id, &user(7)).result.unwrap();
    assert_eq!((accepts.kappa_ppm.max(0), world.pay_per_label(posted.id, &user(7))), (0, 0), "{accepts:?}");
    assert!(matches!(accepts.reason(), PayReason::Skill | PayReason::Gated));
    assert!(world.pay_per_label(posted.id, &user(8)) * 10 <= honest, "guesses");
    assert!(honest > 8_000_000, "{honest}");
}
