//! A device that falsifies one value of one operator is found out.
use cairn_device::{DeviceInfo, Error, Executor, FLEX, Job, Reference, Watch, conformance, open, operator, self_test};
use cairn_program::{Tensor, testing};

/// A device that is right but for the last value that one operator gives.
struct Liar {
    inner: Box<dyn Executor>,
    operator: &'static str,
}

impl Executor for Liar {
    fn device(&self) -> &DeviceInfo {
        self.inner.device()
    }
    fn reproducible(&self) -> bool {
        self.inner.reproducible()
    }
    fn execute(&self, job: Job<'_>, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        let mut found = self.inner.execute(job, watch)?;
        for nodes in &mut found {
            for (tensor, node) in nodes.iter_mut().zip(&job.program.graph().nodes) {
                if operator(&node.op) == self.operator {
                    *tensor.values.last_mut().unwrap() ^= 1;
                }
            }
        }
        Ok(found)
    }
}

fn operators() -> Vec<&'static str> {
    let mut all: Vec<_> = testing::every_operator().iter().map(|(_, graph)| operator(&graph.nodes[0].op)).collect();
    all.dedup();
    all
}

#[test]
fn the_self_test_catches_a_fault_at_every_operator() {
    assert_eq!(operators().len(), 17);
    for operator in operators() {
        let found = self_test(&Liar { inner: Box::new(Reference::default()), operator }).unwrap().expect(operator);
        assert_eq!(found.operator, operator);
        assert_eq!(found.expected.unwrap() ^ 1, found.found.unwrap());
        assert!(found.to_string().contains(operator), "{found}");
    }
    assert_eq!(self_test(&Reference::default()).unwrap(), None);
}

#[test]
fn a_report_on_a_fault_names_the_device_and_the_first_difference() {
    let report = conformance(&Liar { inner: open(FLEX).unwrap(), operator: "softmax" }, 0..0).unwrap();
    let text = report.to_string();
    assert!(text.contains("burn-flex") && text.contains("not reproducible: softmax in 'softmax', run 0, node 0"), "{text}");
}
