DROP INDEX notice_subject;
DROP INDEX mail_recipient;
DROP TABLE absence;
DROP TABLE mail_preference;
DROP TABLE phone_call;
DROP TABLE supervision;
