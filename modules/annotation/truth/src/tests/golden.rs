//! Digests of seeded jobs. They change only when the rules of inference or pay do, and then on purpose.

use crate::{
    Gold, Model,
    synthetic::{
        Habit::{Constant, Copy, Random, Skill},
        Job, Solved,
    },
};

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(name: &str, solved: &Solved, model: Model, digest: &str) {
    assert_eq!(solved.outcome.model, model, "{name}");
    assert_eq!(hex(solved.outcome.digest), digest, "{name}");
}

#[test]
fn digits_like_job() {
    let crew = [Skill(55), Skill(75), Skill(88), Skill(94), Skill(98), Constant(3), Random, Skill(75), Copy(7, 75)];
    let job = Job::draw(1, 1_797, 10, 5, 1, &crew);
    check("with gold", &job.solve(Gold::Opened), Model::OneCoin, "4f9e7f15b10561314d7bbf066011002ca713d0badbdac6c28e259961970af206");
    check("without gold", &job.solve(Gold::None), Model::DawidSkene, "6887dedbae060ab67afd2e5997f9a744ef947a63d761031da03e18aecd675f35");
    check(
        "gold not opened",
        &job.solve(Gold::Unopened),
        Model::DawidSkene,
        "26cdd252a4ca9f10db1a129d984a51b0efabe6bfe4ef2fe937ec62d580a1c35e",
    );
}

#[test]
fn two_classes_over_three_chunks() {
    let crew = [Skill(55), Skill(60), Skill(70), Skill(80), Skill(90), Skill(95)];
    let job = Job::draw(2, 3_000, 2, 3, 1, &crew);
    check("two classes", &job.solve(Gold::Opened), Model::DawidSkene, "6a0fd96ca38dcec3285ab3a31c5899970d3230ddce63a360360ae1191a7b2e60");
}

#[test]
fn sixty_four_classes() {
    let job = Job::draw(3, 640, 64, 3, 1, &[Skill(70), Skill(80), Skill(90), Skill(60)]);
    check("64 classes", &job.solve(Gold::Opened), Model::OneCoin, "6979e224caf9eaca99214489f289e680af97da6bc50f22697aea6254db173a64");
}
