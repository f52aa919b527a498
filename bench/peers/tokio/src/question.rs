//! How a question is asked, and a writer of Google Benchmark's JSON, a line for
//! each repetition.
//!
//! SPDX-License-Identifier: MIT

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

/// A question is asked in batches; one goes through `items` of what is counted.
pub struct Question {
    name: String,
    items: u64,
    /// Whether one batch is all, however short it was.
    once: bool,
    /// What is counted besides, if anything.
    bytes: Option<fn() -> f64>,
    /// Does one batch and says how long it took.
    batch: Box<dyn FnMut() -> Duration>,
}

/// As an expert would have them: the scheduler without threads of its own where
/// one worker is enough.
pub fn runtime(workers: usize) -> Runtime {
    let mut builder = if workers == 1 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder.worker_threads(workers).enable_time();
    builder.build().expect("a runtime")
}

fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it writes to nothing but `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Question {
    /// A batch that says itself what it took.
    pub fn by_hand(
        name: &str,
        items: u64,
        batch: impl FnMut() -> Duration + 'static,
    ) -> Question {
        Question {
            name: name.to_string(),
            items,
            once: false,
            bytes: None,
            batch: Box::new(batch),
        }
    }

    /// A batch that is a task, all of which counts.
    ///
    /// It is spawned, since what `block_on` is given runs beside the workers
    /// and not on one of them.
    pub fn of_task<Batch, Task>(
        name: &str,
        workers: usize,
        items: u64,
        batch: Batch,
    ) -> Question
    where
        Batch: Fn() -> Task + 'static,
        Task: Future<Output = ()> + Send + 'static,
    {
        let mut made = None;
        Question::by_hand(name, items, move || {
            let runtime = made.get_or_insert_with(|| runtime(workers));
            let begin = Instant::now();
            let root = runtime.spawn(batch());
            runtime.block_on(root).expect("no panic");
            begin.elapsed()
        })
    }

    /// The same with one worker and with two.
    pub fn on_workers<Batch, Task>(
        name: &str,
        items: u64,
        batch: Batch,
    ) -> Vec<Question>
    where
        Batch: Fn() -> Task + Copy + 'static,
        Task: Future<Output = ()> + Send + 'static,
    {
        (1..=2)
            .map(|workers| {
                let name = format!("{name}/tokio/{workers}");
                Question::of_task(&name, workers, items, batch)
            })
            .collect()
    }

    pub fn once(self) -> Question {
        Question { once: true, ..self }
    }

    pub fn counting_bytes(self, bytes: fn() -> f64) -> Question {
        Question {
            bytes: Some(bytes),
            ..self
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn ask(&mut self, quick: bool) {
        let (repetitions, at_least) = if quick { (1, 20) } else { (5, 200) };
        if !self.once {
            // The first has its memory from the system, page by page.
            (self.batch)();
        }
        for repetition in 0..repetitions {
            self.repeat(repetition, repetitions, at_least);
        }
    }

    fn repeat(&mut self, index: u32, repetitions: u32, at_least: u64) {
        let at_least = Duration::from_millis(at_least);
        let before = processor_time();
        let mut real = (self.batch)();
        let mut items = self.items;
        while !self.once && real < at_least {
            real += (self.batch)();
            items += self.items;
        }
        let cpu = processor_time() - before;
        self.print(index, repetitions, real, cpu, items);
    }

    fn print(
        &self,
        index: u32,
        repetitions: u32,
        real: Duration,
        cpu: Duration,
        items: u64,
    ) {
        let name = &self.name;
        let each = |time: Duration| time.as_nanos() as f64 / items as f64;
        let per_second = items as f64 / real.as_secs_f64();
        let (real, cpu) = (each(real), each(cpu));
        let bytes = match self.bytes {
            Some(bytes) => format!(", \"bytes\": {}", bytes()),
            None => String::new(),
        };
        println!(
            "{{\"name\": \"{name}\", \"run_name\": \"{name}\", \
             \"run_type\": \"iteration\", \"repetitions\": {repetitions}, \
             \"repetition_index\": {index}, \"iterations\": {items}, \
             \"real_time\": {real}, \"cpu_time\": {cpu}, \
             \"time_unit\": \"ns\", \"items_per_second\": {per_second}{bytes}}}"
        );
    }
}
