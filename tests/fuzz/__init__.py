"""Whatever strangers' bytes reach first is thrown at here, again and again."""
