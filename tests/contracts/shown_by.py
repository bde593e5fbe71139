"""A test of each key's effect: it fails while the key stays at its default, see `tests.frozen_key`."""

# By the test's file: the key, and the test, with one of its cases where it has some.
_BY_FILE = {
    "include/stages/labels/test_released_rows.py": {
        "split.release_share": "test_old_rows_are_trained_on_and_recent_ones_judge",
    },
    "include/stages/selection/test_drawing.py": {
        "split.group": "test_a_group_is_in_one_split",
        "split.answer_days": "test_an_answer_that_may_not_be_right_any_more_is_asked_for_again",
        "selection.quota.segment": "test_small_segment_values_get_their_quota_with_known_probabilities",
        "selection.quota.rows": "test_small_segment_values_get_their_quota_with_known_probabilities",
    },
    "include/stages/selection/test_backlog.py": {
        "selection.backlog": "test_no_more_is_asked_for_than_people_can_answer_in_time[given7-40]",
        "selection.critical": "test_rows_of_critical_segments_come_first_where_less_is_asked_for",
    },
    "include/stages/selection/test_nominations.py": {
        "selection.nominate.impact.share": "test_rows_of_high_impact_are_chosen_up_to_their_share[0.5-3]",
        "selection.nominate.impact.at_least": "test_impact_below_the_threshold_names_nobody",
        "selection.nominate.low_confidence.share": "test_rows_below_a_confidence_are_chosen_up_to_their_share",
        "selection.nominate.low_confidence.below": "test_rows_below_a_confidence_are_chosen_up_to_their_share",
        "selection.nominate.committee.share": "test_rows_on_which_a_committee_disagrees_are_chosen_up_to_its_share",
        "selection.nominate.committee.versions": "test_rows_on_which_a_committee_disagrees_are_chosen_up_to_its_share",
        "selection.nominate.groups.share": "test_groups_with_few_labels_are_chosen_up_to_their_share[desk]",
        "selection.nominate.groups.by": "test_groups_with_few_labels_are_chosen_up_to_their_share[desk]",
        "selection.nominate.groups.labels": "test_groups_with_few_labels_are_chosen_up_to_their_share[desk]",
        "selection.nominate.outliers.share": "test_outliers_are_chosen_up_to_their_share",
        "selection.nominate.outliers.at_least": "test_outliers_are_chosen_up_to_their_share",
        "selection.cold_start.labels": "test_at_a_cold_start_chosen_rows_cover_what_is_served[9-True]",
        "selection.cold_start.budget": "test_batch_at_a_cold_start_is_as_small_as_the_loop_file_says",
        "selection.cost_aware": "test_cost_aware_score_counts_what_a_wrong_answer_would_cost",
    },
    "include/stages/selection/test_passing.py": {
        "selection.pass_error": "test_rows_that_pass_are_drawn_but_not_chosen",
    },
    "include/stages/selection/test_gold.py": {
        "labeling.gold_share": "test_known_rows_are_asked_again_beside_the_batch_and_nothing_tells_them_apart",
    },
    "include/stages/labeling/test_tiered_backend.py": {
        "escalation.tiers.project": "test_tier_sees_its_own_project_and_overlap",
    },
    "include/stages/labeling/test_assignment.py": {
        "labeling.people": "test_requests_say_who_is_asked_and_only_their_answers_count",
        "labeling.groups": "test_people_asked_about_a_row_are_of_several_groups_and_those_of_one_share_rows",
    },
    "include/stages/labels/test_escalation.py": {
        "escalation.tiers.name": "test_contested_requests_go_to_the_next_tier_whose_answer_is_the_label",
        "escalation.tiers.overlap": "test_tier_has_an_overlap_and_a_deadline_of_its_own",
        "escalation.tiers.deadline_hours": "test_tier_has_an_overlap_and_a_deadline_of_its_own",
        "escalation.tiers.people": "test_second_reader_is_somebody_else_and_of_the_tier",
        "escalation.tiers.shows_answers": "test_tier_that_sees_answers_is_told_what_was_said",
        "escalation.audit_share": "test_share_of_labels_is_audited_and_the_answer_of_the_next_tier_counts",
        "escalation.high_stakes.name": "test_high_stakes_wait_for_the_next_tier_though_the_first_agrees",
        "escalation.high_stakes.input": "test_high_stakes_wait_for_the_next_tier_though_the_first_agrees",
        "escalation.high_stakes.when": "test_high_stakes_wait_for_the_next_tier_though_the_first_agrees",
        "escalation.high_stakes.classes": "test_high_stakes_wait_for_the_next_tier_though_the_first_agrees",
    },
    "include/stages/reports/test_tier_work.py": {
        "labeling.price_per_minute": "test_minutes_and_prices_make_what_a_tier_costs",
        "escalation.tiers.price_per_minute": "test_minutes_and_prices_make_what_a_tier_costs",
    },
    "include/stages/training/test_recent_labels.py": {
        "training.label_days": "test_labels_are_trained_on_as_long_as_the_loop_file_says[fewer days]",
    },
    "include/stages/evaluation/test_recent_holdout.py": {
        "split.holdout_days": "test_challenger_is_judged_on_recent_rows[2-1-3]",
        "split.holdout_rows": "test_challenger_is_judged_on_recent_rows[2-1-3]",
    },
    "contracts/test_effects_of_keys.py": {
        "name": "test_name_of_the_loop_begins_what_is_its_own",
        "owner": "test_words_of_the_loop_file_are_those_of_its_dags[owner-default_args]",
        "description": "test_words_of_the_loop_file_are_those_of_its_dags[description-description]",
        "inputs.type": "test_input_is_what_the_loop_file_says_of_it[type]",
        "inputs.required": "test_input_is_what_the_loop_file_says_of_it[required]",
        "inputs.minimum": "test_input_is_what_the_loop_file_says_of_it[minimum]",
        "inputs.maximum": "test_input_is_what_the_loop_file_says_of_it[maximum]",
        "inputs.size": "test_input_is_what_the_loop_file_says_of_it[size]",
        "logs.uri": "test_time_ahead_of_its_file_is_taken_within_the_skew_only",
        "logs.connection": "test_source_is_opened_through_the_connection_of_the_loop_file[logs]",
        "logs.look_back_hours": "test_late_rows_are_looked_for_as_far_back_as_the_loop_file_says",
        "logs.max_refused_share": "test_refused_share_that_stops_the_loop_is_that_of_the_loop_file",
        "logs.clock_skew_seconds": "test_time_ahead_of_its_file_is_taken_within_the_skew_only",
        "logs.memory_mb": "test_pull_keeps_to_the_memory_that_the_loop_file_gives",
        "training.seed_holdout_share": "test_share_of_seed_labels_is_kept_for_judging[0.0-train]",
        "feedback.connection": "test_source_is_opened_through_the_connection_of_the_loop_file[feedback]",
        "feedback.burst_signals": "test_burst_is_what_the_loop_file_calls_one",
        "feedback.burst_minutes": "test_burst_is_what_the_loop_file_calls_one",
        "feedback.consent": "test_feedback_without_consent_is_left_out_where_the_loop_file_requires_it",
        "drift.seasonality": "test_weekdays_that_differ_are_told_apart_only_where_the_loop_file_says_so",
        "drift.max_accuracy_drop": "test_drop_of_accuracy_that_matters_is_that_of_the_loop_file",
        "labeling.uri": "test_requests_and_answers_lie_where_the_loop_file_says",
        "drift.confirm": "test_drift_is_an_alarm_when_the_loop_file_says[confirm]",
        "drift.cooldown_days": "test_drift_is_an_alarm_when_the_loop_file_says[cool-down]",
        "selection.score": "test_rows_are_chosen_as_the_loop_file_says[score]",
        "selection.diversify": "test_rows_are_chosen_as_the_loop_file_says[diversify]",
        "selection.seed": "test_rows_are_chosen_as_the_loop_file_says[seed]",
        "labels.min_confidence": "test_confidence_that_a_label_needs_is_that_of_the_loop_file",
        "gate.error_budget": "test_promise_is_held_within_the_drop_and_the_error_budget_of_the_loop_file",
        "gate.floor": "test_first_model_must_be_above_the_floor_of_the_loop_file",
        "gate.approval": "test_approval_is_not_asked_for_where_the_loop_file_gives_it",
        "gate.approval_hours": "test_approval_is_asked_of_whom_the_loop_file_names_for_as_long_as_it_says",
        "gate.approvers.id": "test_approval_is_asked_of_whom_the_loop_file_names_for_as_long_as_it_says",
        "gate.approvers.name": "test_approval_is_asked_of_whom_the_loop_file_names_for_as_long_as_it_says",
        "deploy.max_drop": "test_promise_is_held_within_the_drop_and_the_error_budget_of_the_loop_file",
        "tasks.timeout_minutes": "test_tasks_are_stopped_after_the_time_of_the_loop_file",
        "tasks.long_timeout_minutes": "test_tasks_are_stopped_after_the_time_of_the_loop_file",
    },
    "include/stages/logs/slices/test_read_ledger.py": {
        "task.classes": "test_new_class_lets_lines_in_that_were_refused",
    },
    "include/foundation/models/test_registry.py": {
        "task.renamed": "test_model_that_speaks_former_names_answers_in_todays",
    },
    "include/foundation/store/ledgers/test_taxonomies.py": {
        "task.retired": "test_classes_that_rows_still_use_are_counted_until_they_are_declared",
    },
    "include/stages/logs/test_formats.py": {
        "logs.format": "test_csv_that_is_not_compressed_at_all_is_refused_as_one",
    },
    "include/stages/logs/test_source_sample.py": {
        "logs.query": "test_query_is_tried",
        "segments": "test_what_the_loop_can_do_without_is_a_note",
        "feedback.columns": "test_feedback_is_compared_with_its_own_fields",
    },
    "include/stages/logs/rules/test_field_paths.py": {
        "logs.columns": "test_optional_fields_may_be_absent_under_other_names",
    },
    "plugins/test_loop_checks.py": {
        "logs.schedule": "test_loop_that_works_is_told_its_next_runs",
        "feedback.query": "test_source_that_does_not_fit_is_a_problem_and_a_connection_that_is_not_here_a_note",
    },
    "include/stages/logs/landing/test_earlier_rows.py": {
        "logs.repeat_days": "test_days_beyond_the_reach_are_not_looked_at",
    },
    "include/stages/logs/test_odd_files.py": {
        "logs.partition_mb": "test_file_that_unpacks_to_more_than_it_may_is_refused_and_the_others_land",
    },
    "include/stages/training/test_fitting.py": {
        "training.factory": "test_model_digest_of_another_configuration_is_another[factory]",
    },
    "include/foundation/models/test_building.py": {
        "training.params": "test_build_with_parameters_passes_them_and_the_seed",
        "training.seed": "test_build_with_parameters_passes_them_and_the_seed",
    },
    "include/stages/labels/test_seeds.py": {
        "training.seed_labels": "test_corrected_line_supersedes_what_it_said",
    },
    "include/stages/logs/feedback/test_bursts.py": {
        "feedback.uri": "test_feedback_before_its_prediction_is_kept_counted_and_joined_later",
    },
    "include/stages/logs/feedback/test_feedback_lines.py": {
        "feedback.format": "test_row_of_a_csv_that_cannot_be_told_apart_is_kept_without_its_text",
    },
    "include/stages/drift/test_earlier_verdicts.py": {
        "drift.reference": "test_frozen_reference_stays_the_first_days",
        "drift.reference_days": "test_days_that_may_still_be_found_to_have_shifted_are_not_reference_once_there_are_others",
        "drift.days_of_month": "test_days_of_a_kind_are_held_against_their_own_kind",
        "drift.reference_dates": "test_reference_of_dates_is_those_but_never_the_window_itself",
    },
    "include/stages/drift/test_kinds_of_day.py": {
        "drift.holidays": "test_holidays_are_those_of_the_country_or_region[DE-2026-12-25-True]",
    },
    "include/stages/drift/test_discoveries.py": {
        "drift.false_alarm_rate": "test_discoveries_are_those_of_scipy_at_the_familys_share_and_monotone[columns]",
    },
    "include/stages/drift/comparing/test_column_findings.py": {
        "drift.min_effect": "test_effect_below_the_floor_is_not_flagged_however_significant",
        "drift.min_rare_effect": "test_few_values_that_become_more_are_flagged_by_a_floor_of_their_own",
    },
    "include/stages/drift/profiling/test_profiles.py": {
        "drift.min_rows": "test_vocabulary_of_little_traffic_is_learned_from_several_days_and_all_of_them_are_like_later_ones",
        "drift.segments": "test_only_the_most_frequent_values_of_watched_segments_are_profiled",
        "drift.most_segment_values": "test_no_segment_value_is_profiled_if_none_is_watched",
    },
    "include/stages/selection/test_selection_reports.py": {
        "selection.budget": "test_reports_are_capped_at_the_certainty_budget",
        "selection.random_share": "test_reports_are_capped_at_the_certainty_budget",
        "feedback.max_person_requests": "test_reports_of_one_person_take_a_few_rows_however_many_they_are[1]",
        "feedback.max_request_share": "test_reports_of_many_people_take_a_share_of_the_chosen_rows[0.25-4]",
    },
    "contracts/test_labeling_backends.py": {
        "labeling.backend": "test_platform_without_a_connection_is_refused_with_its_name",
    },
    "include/stages/labeling/label_studio/test_labeling_config.py": {
        "inputs.image": "test_image_is_shown_and_its_address_is_in_the_table",
        "labeling.project": "test_project_is_called_as_the_loop_file_says",
        "labeling.config": "test_given_config_is_taken_as_it_is",
        "labeling.instructions": "test_instructions_hold_the_text_definitions_and_examples_escaped",
        "labeling.definitions": "test_config_shows_each_kind_of_input_and_offers_each_class",
        "labeling.examples": "test_instructions_hold_the_text_definitions_and_examples_escaped",
    },
    "include/stages/labeling/manifests/test_labeling_jobs.py": {
        **{
            f"labeling.job.{key}": "test_job_is_created_as_the_loop_file_says"
            for key in (
                "role_arn",
                "ui_template_s3_uri",
                "pre_human_task_lambda_arn",
                "annotation_consolidation_lambda_arn",
                "task_title",
                "task_description",
                "task_time_limit_seconds",
                "price_usd",
            )
        },
        "labeling.job.workteam_arn": "test_first_tier_is_the_workteam_of_the_job",
        "escalation.tiers.workteam_arn": "test_job_is_created_as_the_loop_file_says",
    },
    "plugins/hooks/test_labeling_hook.py": {
        "labeling.connection": "test_platform_is_where_the_connection_of_the_loop_file_says[port]",
    },
    "include/stages/labels/test_consensus.py": {
        "labeling.overlap": "test_consensus_that_decides[1-dawid_skene-majority]",
        "labels.consensus": "test_consensus_that_decides[2-majority-majority]",
    },
    "include/stages/selection/test_anchored_prelabels.py": {
        "labeling.max_anchoring": "test_prelabels_that_are_not_shown_to_be_followed_too_much_stay[8-labeling1]",
    },
    "include/stages/selection/test_relabeling.py": {
        "selection.relabel_share": "test_share_bounds_what_is_asked_again[0.0-0]",
    },
    "include/stages/labels/test_user_voices.py": {
        "labels.users_count": "test_users_do_not_count_where_the_loop_file_says_so",
    },
    "include/stages/labels/test_label_origins.py": {
        "labels.max_accepted_share": "test_other_datasets_are_published_and_say_where_labels_come_from[198-2-1.0]",
    },
    "include/stages/labels/test_class_diversity.py": {
        "labels.min_class_diversity": "test_other_datasets_are_published[no floor]",
    },
    "include/stages/labels/test_further_readers.py": {
        "escalation.more_readers": "test_after_the_last_reader_a_person_decides_for_good_and_sees_what_was_said[2-4]",
    },
    "include/stages/labels/test_label_checks.py": {
        "escalation.suspected_errors": "test_nobody_is_accused_where_nobody_would_be_asked[escalation1]",
    },
    "include/stages/labels/test_model_beliefs.py": {
        "labels.model_counts": "test_model_counts_for_labels_to_train_on",
    },
    "include/stages/labels/test_labels.py": {
        "labeling.quorum": "test_quorum_ends_the_wait",
        "labels.min_agreement": "test_too_little_agreement_stops_the_batch",
        "labels.rules.input": "test_rule_that_allows_labels_is_broken_by_every_other_where_it_matches[grain-True]",
        "labels.rules.when": "test_rule_that_allows_labels_is_broken_by_every_other_where_it_matches[grain-True]",
        "labels.rules.allow": "test_rule_that_allows_labels_is_broken_by_every_other_where_it_matches[grain-True]",
        "labels.rules.deny": "test_label_that_breaks_a_domain_rule_is_held_for_a_person",
    },
    "include/stages/labeling/test_progress.py": {
        "labeling.deadline_hours": "TestProgress::test_before_quorum_and_deadline_it_goes_on",
    },
    "plugins/operators/test_collect_annotations.py": {
        "labeling.remind_hours": "TestCollectAnnotations::test_people_are_reminded_once_and_the_wait_goes_on",
        "labeling.poll_seconds": "TestCollectAnnotations::test_open_requests_defer_the_task",
    },
    "include/stages/selection/test_selecting.py": {
        "labeling.hidden_prelabel_share": "test_prelabels_of_random_rows_are_hidden_and_a_share_of_the_others[0.3]",
    },
    "include/stages/labels/test_batch_demands.py": {
        "labels.max_set_aside": "test_share_set_aside[0.9-False]",
        "labels.max_class_shift": "test_class_that_is_suddenly_everything[0.26-True]",
        "labels.max_annotator_share": "test_person_who_gave_nearly_all_answers[0.5-True]",
        "labels.min_seconds": "test_how_fast_is_too_fast_is_said_by_the_loop_file",
    },
    "include/stages/labels/test_proposals.py": {
        "labels.rules.name": "test_reasons_say_who_said_what",
    },
    "include/stages/labels/test_dataset_history.py": {
        "labels.history_days": "test_loop_file_may_bound_the_history",
    },
    "include/stages/training/test_deciding.py": {
        "retrain.min_new_labels": "test_decide_retrain_cools_down_in_log_time[30-train]",
        "retrain.cooldown_hours": "test_decide_retrain_cools_down_in_log_time[29-no]",
    },
    "include/stages/training/test_deciding_drift.py": {
        "retrain.min_new_labels_on_drift": "test_route_retrain_still_needs_the_labels_of_a_drift_and_the_cool_down",
    },
    "include/stages/deployment/test_watching.py": {
        "gate.score": "test_watch_deployment_under_balanced_accuracy_holds_it_against_the_score_that_was_promised",
    },
    "include/stages/gate/test_gate_judging.py": {
        "gate.rule": "test_judge_non_inferior_promotes_equal_models_on_enough_random_rows",
        "gate.margin": "test_judge_margin_over_all_rows_is_a_larger_one_where_they_disagree",
        "gate.inconclusive_slices": "test_judge_small_slice_that_stays_small_is_rejected_with_the_reason",
        "gate.max_rounds": "test_judge_undecided_after_every_round_is_rejected",
        "gate.max_labels_per_round": "test_judge_undecided_asks_within_bounds[no lead]",
        "gate.max_labels": "test_judge_labels_asked_before_count_towards_the_most",
        "gate.guarantee": "test_judge_after_a_promotion_twice_the_level_where_the_share_of_wrong_ones_is_bounded[never-1]",
    },
    "include/stages/evaluation/test_comparing.py": {
        "gate.slices": "test_evaluate_slices_measure_each_segment_value",
        "gate.evidence_days": "test_evaluate_rows_older_than_the_window_do_not_count",
    },
    "include/stages/deployment/test_comparing_days.py": {
        "deploy.comparison_labels": "test_requests_are_blind_and_known_by_their_day",
    },
    "include/stages/deployment/test_environments.py": {
        "deploy.gitops.repository": "test_what_is_live_is_committed_once",
        "deploy.gitops.production": "test_production_has_the_name_that_the_loop_file_gives_it",
        "deploy.gitops.before_production": "test_first_environment_serves_a_promoted_challenger_without_an_approval",
        "deploy.gitops.push": "test_commits_are_pushed_where_the_loop_file_says_so",
    },
    "include/stages/deployment/test_canaries.py": {
        "deploy.canary.shares": "test_steps_follow_one_another_and_after_the_last_it_is_live",
    },
    "include/stages/deployment/test_watching_canary.py": {
        "deploy.canary.requests": "test_step_is_over_when_the_loop_file_says[one too few]",
        "deploy.canary.step_hours": "test_step_is_over_when_the_loop_file_says[longer step]",
        "deploy.canary.max_failures": "test_failures_that_are_allowed_are_those_of_the_loop_file[0.5-False]",
    },
    "include/stages/evaluation/test_live_requests.py": {
        "deploy.strategy": "test_live_requests_have_a_say_only_where_the_loop_file_says_so",
        "deploy.shadow.requests": "test_verdict_of_live_requests[enough]",
        "deploy.shadow.max_failures": "test_verdict_of_live_requests[failures allowed]",
        "deploy.shadow.max_skew": "test_verdict_of_live_requests[skew allowed]",
    },
    "include/stages/logs/shadow/test_shadow_lines.py": {
        "deploy.shadow.uri": "test_what_challengers_said_is_stored_once_and_is_no_prediction",
    },
    "gateway/test_shadowing.py": {
        "deploy.shadow.share": "test_share_of_rows_that_the_loop_file_says_is_asked_about",
    },
    "include/stages/deployment/test_live_rows.py": {
        "deploy.watch_days": "test_rows_of_the_newest_days_are_counted_and_no_earlier_ones",
    },
    "plugins/test_notifications.py": {
        "notify.events": "test_only_those_that_name_the_event_are_called",
        "notify.notifier": "test_notifier_that_does_not_work_is_refused_before_it_is_needed[no-notifier]",
        "notify.params": "test_notifier_that_does_not_work_is_refused_before_it_is_needed[parameter]",
    },
}
SHOWN_BY = {key: f"tests/{file}::{test}" for file, tests in _BY_FILE.items() for key, test in tests.items()}
