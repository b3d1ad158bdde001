DELETE FROM users WHERE email = 'admin@refactorcoach.invalid';
