//! The product of two matrices, by tasks: `spawn` for each branch but the last,
//! which whoever forks awaits itself. A future that contains itself is boxed.
//!
//! SPDX-License-Identifier: MIT

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;
use std::time::Instant;

use crate::question::{runtime, Question};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

const SIZE: usize = 2048;
const KERNEL: usize = 64;

/// Three matrices that are shared by all tasks. Cells are atomic, and are read
/// and written as if they were not: no two tasks that run at a time add to the
/// same block.
struct Matrices {
    product: Vec<AtomicI32>,
    left: Vec<i32>,
    right: Vec<i32>,
}

/// The first cells of three blocks.
#[derive(Clone, Copy)]
struct Blocks {
    into: usize,
    left: usize,
    right: usize,
}

impl Blocks {
    /// What of the three meets in a quarter of the sum, in one of its terms.
    fn quarter(
        self,
        down: usize,
        across: usize,
        term: usize,
        half: usize,
    ) -> Blocks {
        let at =
            |first, down, across| first + down * half * SIZE + across * half;
        Blocks {
            into: at(self.into, down, across),
            left: at(self.left, down, term),
            right: at(self.right, term, across),
        }
    }
}

impl Matrices {
    fn new() -> Matrices {
        Matrices {
            product: (0..SIZE * SIZE).map(|_| AtomicI32::new(0)).collect(),
            left: vec![1; SIZE * SIZE],
            right: vec![2; SIZE * SIZE],
        }
    }

    /// The sums of a row are made beside the matrix, in an array that vectors
    /// can work on.
    fn add_kernel_product(&self, blocks: Blocks) {
        for row in 0..KERNEL {
            let into = blocks.into + row * SIZE;
            let into = &self.product[into..into + KERNEL];
            let left = blocks.left + row * SIZE;
            let mut sums = [0; KERNEL];
            for inner in 0..KERNEL {
                let factor = self.left[left + inner];
                let right = blocks.right + inner * SIZE;
                let right = &self.right[right..right + KERNEL];
                for column in 0..KERNEL {
                    sums[column] += factor * right[column];
                }
            }
            for column in 0..KERNEL {
                let cell = into[column].load(Ordering::Relaxed);
                into[column].store(cell + sums[column], Ordering::Relaxed);
            }
        }
    }
}

fn add_product(matrices: Arc<Matrices>, blocks: Blocks, size: usize) -> Boxed {
    Box::pin(async move {
        if size == KERNEL {
            return matrices.add_kernel_product(blocks);
        }
        let half = size / 2;
        for term in 0..2 {
            let quarter = |down, across| {
                let blocks = blocks.quarter(down, across, term, half);
                add_product(Arc::clone(&matrices), blocks, half)
            };
            let others = [
                tokio::spawn(quarter(0, 0)),
                tokio::spawn(quarter(0, 1)),
                tokio::spawn(quarter(1, 0)),
            ];
            quarter(1, 1).await;
            for other in others {
                other.await.expect("no panic");
            }
        }
    })
}

/// Checked, and made ready for the next time, when the clock has stopped.
fn multiply(workers: usize) -> Question {
    let matrices = Arc::new(Matrices::new());
    let all = Blocks {
        into: 0,
        left: 0,
        right: 0,
    };
    let runtime = runtime(workers);
    let name = format!("runtime/fork_matmul2048/tokio/{workers}");
    Question::by_hand(&name, 1, move || {
        let begin = Instant::now();
        let root = add_product(Arc::clone(&matrices), all, SIZE);
        runtime.block_on(runtime.spawn(root)).expect("no panic");
        let elapsed = begin.elapsed();
        for cell in &matrices.product {
            assert_eq!(2 * SIZE as i32, cell.swap(0, Ordering::Relaxed));
        }
        elapsed
    })
}

pub fn questions() -> Vec<Question> {
    vec![multiply(1), multiply(2)]
}
