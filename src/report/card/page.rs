//! Assigns the content of a card to the sections of its page.

use super::{BadgeStyle, Block, CardView, Entry, Fact, Inline, Page, Section};
use crate::record::kind::{CardEvaluation, CardMetric, Decision, Evaluation, Metrics, RiskRating, Status};

pub(super) fn of(view: &CardView<'_>) -> Page {
    let mut main = vec![
        details(view),
        uses(view),
        risks(view),
        training(view),
        evaluation(view),
        environment(view),
        technical(view),
        more(view),
    ];
    let mut beside = vec![
        decision(view),
        metrics(view),
        evaluations("Evidence", &view.evidence),
        evaluations("Observations", &view.observations),
        authors(view),
    ];
    main.retain(|section| !section.blocks.is_empty());
    beside.retain(|section| !section.blocks.is_empty());
    Page { main, beside }
}

/// A section under construction. Absent and blank values are skipped.
struct Draft(Section);

fn section(title: &'static str) -> Draft {
    Draft(Section {
        title,
        blocks: Vec::new(),
    })
}

impl Draft {
    fn prose(&mut self, heading: &str, text: Option<&String>) -> &mut Draft {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            if !heading.is_empty() {
                self.0.blocks.push(Block::Heading(heading.into()));
            }
            self.0.blocks.push(Block::Prose(text.clone()));
        }
        self
    }

    fn facts(&mut self, heading: &str, facts: Vec<Fact>) -> &mut Draft {
        let facts: Vec<Fact> = facts.into_iter().filter(|fact| !fact.value.is_empty()).collect();
        if !facts.is_empty() {
            if !heading.is_empty() {
                self.0.blocks.push(Block::Heading(heading.into()));
            }
            self.0.blocks.push(Block::Facts(facts));
        }
        self
    }

    fn entries(&mut self, heading: &str, entries: Vec<Entry>) -> &mut Draft {
        if !entries.is_empty() {
            if !heading.is_empty() {
                self.0.blocks.push(Block::Heading(heading.into()));
            }
            self.0.blocks.push(Block::Entries(entries));
        }
        self
    }

    fn table(&mut self, heading: &str, header: Vec<&'static str>, rows: Vec<Vec<Inline>>) -> &mut Draft {
        if !rows.is_empty() {
            if !heading.is_empty() {
                self.0.blocks.push(Block::Heading(heading.into()));
            }
            self.0.blocks.push(Block::Table { header, rows });
        }
        self
    }
}

fn text(value: impl Into<String>) -> Inline {
    Inline::Text(value.into())
}

fn words(value: Option<&String>) -> Inline {
    text(value.cloned().unwrap_or_default())
}

fn code(value: Option<impl ToString>) -> Inline {
    Inline::Code(value.map(|value| value.to_string()).unwrap_or_default())
}

fn uri(value: Option<&impl ToString>) -> Inline {
    Inline::Uri(value.map(ToString::to_string).unwrap_or_default())
}

fn fact(label: impl Into<String>, value: Inline) -> Fact {
    Fact {
        label: label.into(),
        value,
    }
}

fn entry(title: impl Into<String>, facts: Vec<Fact>) -> Entry {
    Entry {
        title: title.into(),
        badge: None,
        text: None,
        facts: facts.into_iter().filter(|fact| !fact.value.is_empty()).collect(),
    }
}

fn details(view: &CardView<'_>) -> Section {
    let card = view.card;
    let overview = card.overview.clone().unwrap_or_default();
    let license = card.license.clone().unwrap_or_default();
    let mut draft = section("Model Details");
    draft.facts(
        "",
        vec![
            fact("Version", code(Some(view.id))),
            fact("Called", words(overview.version.as_ref())),
            fact("Problem", words(overview.problem_type.as_ref())),
            fact("Algorithm", words(overview.algorithm.as_ref())),
            fact("Made by", words(overview.creator.as_ref())),
            fact("Owner", words(overview.owner.as_ref())),
            fact("Languages", text(card.languages.join(", "))),
            fact("Library", words(card.library.as_ref())),
            fact("Task", words(card.pipeline.as_ref())),
            fact("Tags", text(card.tags.join(", "))),
            fact("Licence", words(license.id.as_ref())),
            fact("Name of the licence", words(license.name.as_ref())),
            fact("Text of the licence", uri(license.uri.as_ref())),
        ],
    );
    let bases = card.base_models.iter().map(|base| {
        vec![
            text(&base.name),
            words(base.relation.as_ref()),
            code(base.digest.as_ref()),
        ]
    });
    draft.table("Made From", vec!["Model", "Relation", "Digest"], bases.collect());
    draft.0
}

fn uses(view: &CardView<'_>) -> Section {
    let card = view.card;
    let business = card.business.clone().unwrap_or_default();
    let factors = card.overview.as_ref().and_then(|it| it.factors.as_ref());
    let mut draft = section("Uses");
    draft
        .prose("Intended Use", card.intended_uses.as_ref())
        .prose("Out-of-Scope Use", card.out_of_scope_uses.as_ref())
        .entries(
            "Users",
            card.users.iter().map(|user| entry(user, Vec::new())).collect(),
        )
        .prose("What Its Use Depends On", factors)
        .prose("Business Problem", business.problem.as_ref())
        .prose("Stakeholders", business.stakeholders.as_ref())
        .facts(
            "",
            vec![fact(
                "Line of business",
                words(business.line_of_business.as_ref()),
            )],
        );
    draft.0
}

/// The rating as a badge.
pub(super) fn risk_style(rating: RiskRating) -> (&'static str, BadgeStyle) {
    match rating {
        RiskRating::High => ("High", BadgeStyle::Bad),
        RiskRating::Medium => ("Medium", BadgeStyle::Waiting),
        RiskRating::Low => ("Low", BadgeStyle::Good),
        RiskRating::Unknown => ("Unknown", BadgeStyle::Quiet),
    }
}

fn risks(view: &CardView<'_>) -> Section {
    let card = view.card;
    let mut draft = section("Bias, Risks, and Limitations");
    if let Some(risk) = &card.risk {
        let (word, style) = risk_style(risk.rating);
        let mut rated = entry("Risk", Vec::new());
        rated.badge = Some((word.into(), style));
        rated.text = risk.explanation.clone();
        draft.entries("", vec![rated]);
    }
    let ethics = card.ethical_considerations.iter().map(|risk| {
        entry(
            &risk.name,
            vec![fact("Mitigation", words(risk.mitigation.as_ref()))],
        )
    });
    let fairness = card.fairness.iter().map(|group| {
        entry(
            &group.group_at_risk,
            vec![
                fact("Benefits", words(group.benefits.as_ref())),
                fact("Harms", words(group.harms.as_ref())),
                fact("Mitigation", words(group.mitigation.as_ref())),
            ],
        )
    });
    draft
        .prose("Limitations", card.limitations.as_ref())
        .prose("Trade-offs", card.tradeoffs.as_ref())
        .entries("Ethical Considerations", ethics.collect())
        .entries("Fairness", fairness.collect())
        .prose("Recommendations", card.caveats.as_ref());
    draft.0
}

fn training(view: &CardView<'_>) -> Section {
    let card = view.card;
    let training = card.training.clone().unwrap_or_default();
    let data = card.datasets.iter().map(|data| {
        let mut entry = entry(
            &data.name,
            vec![
                fact("Where", uri(data.uri.as_ref())),
                fact("Revision", words(data.revision.as_ref())),
                fact("Licence", words(data.license.as_ref())),
                fact("Digest", code(data.digest.as_ref())),
            ],
        );
        entry.badge = data.role.clone().map(|role| (role, BadgeStyle::Quiet));
        entry
    });
    let parameters = training
        .hyperparameters
        .iter()
        .map(|(name, value)| vec![text(name.as_str()), text(value.to_string())]);
    let measured = training
        .metrics
        .iter()
        .map(|(name, value)| vec![text(name.as_str()), text(value.to_string())]);
    let environment = training
        .environment
        .iter()
        .map(|image| fact("Environment", code(Some(image))));
    let mut draft = section("Training Details");
    draft
        .entries("Data", data.collect())
        .prose("Objective", training.objective.as_ref())
        .prose("Observations", training.observations.as_ref())
        .facts(
            "Procedure",
            std::iter::once(fact("Job", uri(training.job.as_ref())))
                .chain(environment)
                .collect(),
        )
        .table(
            "Hyperparameters",
            vec!["Hyperparameter", "Value"],
            parameters.collect(),
        )
        .table(
            "Metrics of the Training",
            vec!["Metric", "Value"],
            measured.collect(),
        );
    draft.0
}

/// "0.89 to 0.92", "from 0.89", "up to 0.92".
fn interval(metric: &CardMetric) -> String {
    match (metric.lower, metric.upper) {
        (Some(lower), Some(upper)) => format!("{lower} to {upper}"),
        (Some(lower), None) => format!("from {lower}"),
        (None, Some(upper)) => format!("up to {upper}"),
        (None, None) => String::new(),
    }
}

fn one_evaluation(evaluation: &CardEvaluation, draft: &mut Draft) {
    draft.0.blocks.push(Block::Heading(evaluation.name.clone()));
    let rows = evaluation.metrics.iter().map(|metric| {
        vec![
            text(&metric.name),
            text(metric.value.to_string()),
            text(interval(metric)),
            words(metric.slice.as_ref()),
            words(metric.notes.as_ref()),
        ]
    });
    draft
        .facts(
            "",
            vec![
                fact("Task", words(evaluation.task.as_ref())),
                fact("Dataset", words(evaluation.dataset.as_ref())),
                fact("Part", words(evaluation.split.as_ref())),
                fact("Told in full", uri(evaluation.source.as_ref())),
            ],
        )
        .table(
            "",
            vec!["Metric", "Value", "Interval", "Slice", "Notes"],
            rows.collect(),
        )
        .prose("", evaluation.observations.as_ref());
}

fn evaluation(view: &CardView<'_>) -> Section {
    let mut draft = section("Evaluation");
    for evaluation in &view.card.evaluations {
        one_evaluation(evaluation, &mut draft);
    }
    draft.0
}

fn environment(view: &CardView<'_>) -> Section {
    let mut draft = section("Environmental Impact");
    draft.prose("", view.card.environmental_considerations.as_ref());
    draft.0
}

fn technical(view: &CardView<'_>) -> Section {
    let parameters = view.card.parameters.clone().unwrap_or_default();
    let spec = &view.version.spec;
    let mut draft = section("Technical Specifications");
    draft.facts(
        "",
        vec![
            fact("Approach", words(parameters.approach.as_ref())),
            fact("Family", words(parameters.architecture_family.as_ref())),
            fact("Architecture", words(parameters.architecture.as_ref())),
            fact("Takes", text(parameters.inputs.join(", "))),
            fact("Gives", text(parameters.outputs.join(", "))),
        ],
    );
    let artifacts = spec.all_artifacts().into_iter().map(|(_, artifact)| {
        vec![
            uri(Some(&artifact.uri)),
            code(artifact.digest.as_ref()),
            text(
                artifact
                    .size
                    .map(|size| format!("{size} bytes"))
                    .unwrap_or_default(),
            ),
        ]
    });
    draft.table("Artifacts", vec!["Where", "Digest", "Size"], artifacts.collect());
    let images = spec.containers().into_iter().filter_map(|(_, container)| {
        let runs = [
            container.framework.as_deref(),
            container.framework_version.as_deref(),
        ];
        let runs = runs.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let image = code(container.image.as_ref());
        (!image.is_empty() || !runs.is_empty()).then(|| vec![image, text(runs)])
    });
    draft.table("Containers", vec!["Image", "Framework"], images.collect());
    draft.0
}

fn more(view: &CardView<'_>) -> Section {
    let mut draft = section("More Information");
    let custom = view.card.custom.iter();
    for (name, value) in custom {
        draft.prose(name.as_str(), Some(value));
    }
    draft.0
}

/// The status as a badge.
pub(super) fn status_style(status: Status) -> BadgeStyle {
    match status {
        Status::Approved => BadgeStyle::Good,
        Status::Rejected => BadgeStyle::Bad,
        Status::Pending => BadgeStyle::Waiting,
        Status::Archived => BadgeStyle::Quiet,
    }
}

fn decision(view: &CardView<'_>) -> Section {
    let status = view.version.status;
    let reviews = view.reviews.iter().map(|review| {
        let style = match (review.decision, &review.void) {
            (_, Some(_)) | (Decision::Withdrawn, _) => BadgeStyle::Quiet,
            (Decision::Approved, None) => BadgeStyle::Good,
            (Decision::Rejected, None) => BadgeStyle::Bad,
        };
        let mut entry = entry(
            &review.actor,
            vec![fact("Does not count", words(review.void.as_ref()))],
        );
        entry.badge = Some((review.decision.as_str().into(), style));
        entry.text = review.reason.clone();
        entry
    });
    let mut draft = section("Decision");
    draft
        .facts(
            "",
            vec![
                fact("Status", text(status.as_str())),
                fact("Serves", text(view.stages.join(", "))),
                fact("Missing", text(view.missing.join("; "))),
                fact("Registered by", text(view.version.by.as_str())),
                fact("Content", code(Some(&view.subject))),
            ],
        )
        .entries("Reviews", reviews.collect());
    draft.0
}

fn metric_facts(metrics: &Metrics) -> impl Iterator<Item = Fact> {
    metrics
        .iter()
        .map(|(name, value)| fact(name.as_str(), text(value.to_string())))
}

fn metrics(view: &CardView<'_>) -> Section {
    let mut draft = section("Metrics");
    draft.facts("", metric_facts(&view.version.spec.metrics).collect());
    draft.0
}

fn evaluations(title: &'static str, evaluations: &[&Evaluation]) -> Section {
    let entries = evaluations.iter().map(|evaluation| {
        let mut facts: Vec<Fact> = metric_facts(&evaluation.metrics).collect();
        facts.push(fact("By", text(evaluation.by.as_str())));
        if let Some(data) = &evaluation.dataset {
            facts.push(fact("Dataset", uri(Some(&data.uri))));
            facts.push(fact("Digest of the dataset", code(data.digest.as_ref())));
        }
        if let Some(report) = &evaluation.report {
            facts.push(fact("Report", uri(Some(&report.uri))));
            facts.push(fact("Digest of the report", code(report.digest.as_ref())));
        }
        let mut entry = entry(evaluation.name.as_str(), facts);
        entry.text = evaluation.notes.clone();
        entry
    });
    let mut draft = section(title);
    draft.entries("", entries.collect());
    draft.0
}

fn authors(view: &CardView<'_>) -> Section {
    let card = view.card;
    let names: Vec<&str> = card.authors.iter().map(|actor| actor.as_str()).collect();
    let mut draft = section("Model Card Authors");
    draft.facts(
        "",
        vec![
            fact("Authors", text(names.join(", "))),
            fact("Changed by", text(card.by.as_str())),
            fact("Revision", text(card.revision.to_string())),
        ],
    );
    draft.0
}
