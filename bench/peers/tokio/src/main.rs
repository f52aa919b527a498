//! The questions of bench/, asked of tokio.
//!
//! SPDX-License-Identifier: MIT

mod broadcast;
mod channels;
mod locks;
mod matmul;
mod question;
mod selects;
mod tasks;
mod timers;
mod waits;
mod wakes;

use question::Question;

fn main() {
    let questions: Vec<Question> = [
        broadcast::questions(),
        channels::questions(),
        locks::questions(),
        matmul::questions(),
        selects::questions(),
        tasks::questions(),
        timers::questions(),
        waits::questions(),
        wakes::questions(),
    ]
    .into_iter()
    .flatten()
    .collect();

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |word: &str| arguments.iter().any(|each| each == word);
    for mut question in questions {
        if is_given("--list") {
            println!("{}", question.name());
        } else if is_given(question.name()) {
            question.ask(is_given("--quick"));
        }
    }
}
