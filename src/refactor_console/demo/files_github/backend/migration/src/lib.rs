pub use sea_orm_migration::prelude::*;

mod m20240210_153056_create_schema_and_base_db_setup;
mod m20240211_174355_base_migration;
mod m20250509_164646_add_initial_user;
mod m20250705_200000_add_timezone_to_users;
mod m20251220_000001_add_oauth_connections;
mod m20251220_000002_add_meeting_fields_to_sessions;
mod m20260309_000000_goal_relationship_scoping;
mod m20260311_064303_add_zoom_to_provider_enum;
mod m20260610_000000_add_duration_to_sessions;
mod m20260610_000000_add_topics;
mod m20260612_000000_add_actions_due_index;
mod m20260614_071329_add_agreements_table;
mod m20260616_142658_add_overarching_goals;
mod m20260618_213927_add_user_roles;
mod m20260620_045256_add_coaching_relationship_slug;
mod m20260622_110525_add_notes_index;
mod m20260624_181854_add_display_names;
mod m20260626_013123_add_session_status;
mod m20260628_084452_add_invite_tokens;
mod m20260701_155721_add_reset_tokens;
mod m20260704_221050_add_action_due_dates;
mod m20260707_052319_add_action_assignees;
mod m20260710_000000_add_goal_status;
mod m20260710_000000_add_goal_target_dates;
mod m20260716_020246_add_goal_sessions_link;
mod m20260719_091515_add_session_reminders;
mod m20260722_162844_add_reminder_sent_at;
mod m20260725_234113_add_email_preferences;
mod m20260801_065442_add_recordings;
mod m20260804_130711_add_transcripts;
mod m20260807_202040_add_transcript_segments;
mod m20260810_033309_add_recording_status;
mod m20260813_104638_add_webhook_events;
mod m20260816_175907_add_meeting_urls;
mod m20260819_001236_add_oauth_tokens_index;
mod m20260822_072505_add_organization_logo;
mod m20260825_143834_add_organization_slug;
mod m20260901_215103_add_user_last_seen;
mod m20260904_040432_add_session_topics_order;
mod m20260907_111701_add_note_versions;
mod m20260910_183030_add_action_tags;
mod m20260913_014359_add_topic_notes;
mod m20260916_085628_add_user_locale;
mod m20260919_150957_add_goal_progress;
mod m20260922_222226_add_goal_progress_index;
mod m20260925_053555_add_session_feedback;
mod m20261001_124824_add_feedback_visibility;
mod m20261004_190153_add_audit_events;
mod m20261007_021422_add_audit_index;
mod m20261010_092751_add_tiptap_document_name;
mod m20261013_164020_add_session_time_zone;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20240210_153056_create_schema_and_base_db_setup::Migration),
            Box::new(m20240211_174355_base_migration::Migration),
            Box::new(m20250509_164646_add_initial_user::Migration),
            Box::new(m20250705_200000_add_timezone_to_users::Migration),
            Box::new(m20251220_000001_add_oauth_connections::Migration),
            Box::new(m20251220_000002_add_meeting_fields_to_sessions::Migration),
            Box::new(m20260311_064303_add_zoom_to_provider_enum::Migration),
            Box::new(m20260309_000000_goal_relationship_scoping::Migration),
            Box::new(m20260610_000000_add_duration_to_sessions::Migration),
            Box::new(m20260610_000000_add_topics::Migration),
            Box::new(m20260612_000000_add_actions_due_index::Migration),
            Box::new(m20260614_071329_add_agreements_table::Migration),
            Box::new(m20260616_142658_add_overarching_goals::Migration),
            Box::new(m20260618_213927_add_user_roles::Migration),
            Box::new(m20260620_045256_add_coaching_relationship_slug::Migration),
            Box::new(m20260622_110525_add_notes_index::Migration),
            Box::new(m20260624_181854_add_display_names::Migration),
            Box::new(m20260626_013123_add_session_status::Migration),
            Box::new(m20260628_084452_add_invite_tokens::Migration),
            Box::new(m20260701_155721_add_reset_tokens::Migration),
            Box::new(m20260704_221050_add_action_due_dates::Migration),
            Box::new(m20260707_052319_add_action_assignees::Migration),
            Box::new(m20260710_000000_add_goal_status::Migration),
            Box::new(m20260710_000000_add_goal_target_dates::Migration),
            Box::new(m20260716_020246_add_goal_sessions_link::Migration),
            Box::new(m20260719_091515_add_session_reminders::Migration),
            Box::new(m20260722_162844_add_reminder_sent_at::Migration),
            Box::new(m20260725_234113_add_email_preferences::Migration),
            Box::new(m20260801_065442_add_recordings::Migration),
            Box::new(m20260804_130711_add_transcripts::Migration),
            Box::new(m20260807_202040_add_transcript_segments::Migration),
            Box::new(m20260810_033309_add_recording_status::Migration),
            Box::new(m20260813_104638_add_webhook_events::Migration),
            Box::new(m20260816_175907_add_meeting_urls::Migration),
            Box::new(m20260819_001236_add_oauth_tokens_index::Migration),
            Box::new(m20260822_072505_add_organization_logo::Migration),
            Box::new(m20260825_143834_add_organization_slug::Migration),
            Box::new(m20260901_215103_add_user_last_seen::Migration),
            Box::new(m20260904_040432_add_session_topics_order::Migration),
            Box::new(m20260907_111701_add_note_versions::Migration),
            Box::new(m20260910_183030_add_action_tags::Migration),
            Box::new(m20260913_014359_add_topic_notes::Migration),
            Box::new(m20260916_085628_add_user_locale::Migration),
            Box::new(m20260919_150957_add_goal_progress::Migration),
            Box::new(m20260922_222226_add_goal_progress_index::Migration),
            Box::new(m20260925_053555_add_session_feedback::Migration),
            Box::new(m20261001_124824_add_feedback_visibility::Migration),
            Box::new(m20261004_190153_add_audit_events::Migration),
            Box::new(m20261007_021422_add_audit_index::Migration),
            Box::new(m20261010_092751_add_tiptap_document_name::Migration),
            Box::new(m20261013_164020_add_session_time_zone::Migration),
        ]
    }
}
