CREATE TYPE status AS ENUM ('not_started', 'in_progress', 'completed', 'wont_do');
