INSERT INTO users (email) VALUES ('admin@refactorcoach.invalid');
