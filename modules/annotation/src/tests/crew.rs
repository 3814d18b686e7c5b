//! The crew of the main job: ten honest people of very different skill, one that always answers the same, one that guesses, two that copy.
use cairn_proto::cairn::annotation::v1::{QueryServer, QueryTasksRequest};

use super::world::{Person, Post, World, noise, user};
use crate::Annotation;

/// 1,797 tasks in 90 buckets, ten classes, overlap 5, a twentieth of gold.
fn post() -> Post {
    let truth = |task| u16::try_from(noise(77, task) % 10).unwrap();
    Post { tasks: 1_797, overlap: 5, bucket_size: 20, classes: 10, truth, gold_truth: truth, ..Post::default() }
}

const SKILLS: [u64; 10] = [55, 65, 75, 82, 88, 92, 94, 96, 97, 98];

#[test]
fn the_main_jobs_crew_is_paid_by_what_it_is_worth() {
    let mut world = World::new(16);
    world.checked = false;
    let post = post();
    let mut people: Vec<Person> = (2..).zip(SKILLS).map(|(n, skill)| Person::skilled(user(n), skill, post.truth, 10)).collect();
    people.push(Person::new(user(12), |_| 3));
    people.push(Person::new(user(13), |task| u16::try_from(noise(13, task) % 10).unwrap()));
    // A pair of skill 75 with one answer for both, and one of the same skill who works alone: user 4.
    for n in [14, 15] {
        people.push(Person { address: user(n), ..Person::skilled(user(99), 75, post.truth, 10) });
    }
    let posted = world.run_job(&post, &people);
    world.check();

    let (mut right, mut majority, mut from) = (0, 0, 0);
    loop {
        let page = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from, limit: 1_024 }));
        for task in page.tasks {
            let truth = u32::from((posted.truth)(task.task));
            right += u32::from(task.class == truth);
            let most = task.votes.iter().max().copied().unwrap_or(0);
            let first = task.votes.iter().position(|votes| *votes == most).unwrap_or(0);
            majority += u32::from(first as u32 == truth);
        }
        from = page.next;
        if from == 0 {
            break;
        }
    }
    let pay: Vec<u128> = (2..=15).map(|n| world.pay_per_label(posted.id, &user(n))).collect();
    println!("right: {right} of 1797, majority vote {majority}; model {}", world.status(posted.id).settlement.unwrap().model);
    println!("pay a label of 10000, by skill: {:?}", SKILLS.iter().zip(&pay).map(|(s, p)| (*s, p / 1_000)).collect::<Vec<_>>());
    println!("constant {}, random {}, copiers {} {}", pay[10] / 1_000, pay[11] / 1_000, pay[12] / 1_000, pay[13] / 1_000);
    let honest = pay[..10].iter().sum::<u128>() / 10;
    assert!(right * 100 >= 1_797 * 97 && right >= majority);
    assert!(pay[10] * 10 < honest && pay[11] * 10 < honest);
    let alone = pay[2];
    assert!(pay[12] * 100 <= alone * 110 && pay[13] * 100 <= alone * 110, "copiers earn at most a tenth more than one of their skill");
}
