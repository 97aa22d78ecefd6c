//! Rules the servers have an answer to.

use std::path::Path;

/// `count` rules, each a command of its own.
pub(crate) fn write(folder: &Path, count: usize) {
    let folder = folder.join("system");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..count {
        let id = format!("bench-{number:03}");
        let rule = format!(
            "id: {id}\ntitle: Question {number}\ndescription: A question.\nrationale: A measurement.\n\
             severity: low\ncategory: system\nimplementations:\n  - default: true\n    check:\n      method: command\n      \
             run: echo kensa-{number}\n      expected_stdout: kensa-{number}\n"
        );
        std::fs::write(folder.join(format!("{id}.yml")), rule).unwrap();
    }
}
